"""Answers held against the description that the gateway gives of itself.

In the document answers may have members that are not told of, so that clients bear new ones. Here none may: what the
gateway sends and does not describe is an error of ours.
"""

import re
from typing import Any

import jsonschema_rs


class Interface:
    """An OpenAPI document, as far as its answers go."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._components = {name: _closed(schema) for name, schema in document["components"]["schemas"].items()}
        self._paths = [(self._pattern(path), item) for path, item in document["paths"].items()]
        # Literal segments win over parameters, as they do in the gateway.
        self._paths.sort(key=lambda entry: entry[0].pattern.count("[^/]"))
        self._validators: dict[int, Any] = {}
        self.checked = 0

    @staticmethod
    def _pattern(path: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$")

    def check(self, method: str, path: str, status: int, content_type: str, body: Any) -> None:
        """Raises AssertionError for an answer that is not as described; what is no path has no description."""
        item = next((item for pattern, item in self._paths if pattern.match(path.split("?")[0])), None)
        operation = (item or {}).get("get" if method == "HEAD" else method.lower())
        if operation is None:
            return
        answer = operation["responses"].get(str(status))
        assert answer is not None, f"{method} {path} answers {status}, which is not described: {body}"
        answer = self._resolve(answer)
        content = answer.get("content", {})
        media = content_type.split(";")[0]
        if operation["operationId"] == "takeHook" and not body:
            return  # What a sender would show to a person is left empty, which OpenAPI can't say beside a body.
        if not content:
            assert not body, f"{method} {path} answers {status} with a body, and none is described: {body}"
        elif body or method != "HEAD":
            assert media in content, f"{method} {path} answers {status} as {content_type}, which is not described"
            if media.endswith("json"):
                self._validate(content[media]["schema"], body, f"{method} {path} {status}")

    def _resolve(self, value: dict[str, Any]) -> Any:
        found: Any = value
        if "$ref" in value:
            found = self.document
            for key in value["$ref"].split("/")[1:]:
                found = found[key]
        return found

    def _validate(self, schema: dict[str, Any], body: Any, place: str) -> None:
        validator = self._validators.get(id(schema))
        if validator is None:
            whole = {**_closed(schema), "components": {"schemas": self._components}}
            validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._validators[id(schema)] = validator
        errors = [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(body)]
        assert not errors, f"{place} is not as described: {errors[:5]} in {str(body)[:2000]}"
        self.checked += 1


def _closed(schema: Any) -> Any:
    """The schema, with no members but those that it names."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items() if name not in ("examples", "properties")}
    if "properties" in schema:
        closed["properties"] = {name: _closed(part) for name, part in schema["properties"].items()}
        closed.setdefault("additionalProperties", False)
    return closed
