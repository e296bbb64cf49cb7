"""The gateway's description of itself: valid, true under a fuzzer, and a page that a browser can show."""

import os
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
from gateways import Organization
from openapi_spec_validator import OpenAPIV31SpecValidator
from stack import Stack

HERE = Path(__file__).parent


def test_the_document_is_valid_openapi(stack: Stack) -> None:
    document = stack.get("/openapi.json")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert len(operations) > 50
    for operation in operations:
        assert operation["summary"] and operation["tags"] and operation["responses"]
        for status, answer in operation["responses"].items():
            problem = answer.get("$ref", "").startswith("#/components/responses/")
            # 503 of health is an answer like its others.
            assert problem or int(status) < 400 or status == "503", (operation["operationId"], status)


def test_examples_of_bodies_are_what_their_schemas_say(stack: Stack) -> None:
    document = stack.get("/openapi.json")
    count = 0
    for item in document["paths"].values():
        for operation in item.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if "example" in content:
                    schema = {**content["schema"], "components": document["components"]}
                    jsonschema_rs.Draft202012Validator(schema).validate(content["example"])
                    count += 1
    assert count > 8


def test_no_request_that_a_fuzzer_makes_up_is_answered_otherwise_than_described(stack: Stack, tmp_path: Path) -> None:
    """Every route, with data that is as described and data that is not, and with sequences of requests.

    Left out are the stream of events, which has no end that the fuzzer could wait for, and what would end the fuzzer's
    own key.
    """
    organization = Organization(stack, "fuzzed", scopes="admin")
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{stack.base_url}/openapi.json", "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
        *("--exclude-operation-id", "streamEvents", "--exclude-operation-id", "revokeKey"),
        *("--exclude-operation-id", "rotateKey"),
        *("--no-color", "--report", "ndjson", "--report-dir", str(tmp_path)),
    ]
    done = subprocess.run(
        command,
        env=os.environ | {"COLLIDER_API_KEY": organization.key, "PYTHONPATH": "", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=560,
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:] + stack.logs()
    log = (stack.home / "logs" / "api-gateway.log").read_text()
    assert "request.failed" not in log and "store.failed" not in log, stack.logs()
