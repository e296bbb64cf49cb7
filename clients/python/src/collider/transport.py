"""Requests to an api-gateway, with nothing but the standard library."""

import json
import random
import time as clock
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from http.client import HTTPException
from typing import IO, Any, TypeGuard
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

_LONGEST_PAUSE = 30.0
_LONGEST_ANSWER = 64 << 20
_RETRIED = (429, 502, 503, 504)
# Of requests that must not be done twice only those that were refused before anything was done.
_REFUSED = (429,)


class ColliderError(Exception):
    """An answer that is no success, or no answer at all.

    `title` and `detail` are the problem's (RFC 9457), `type` names its kind, `status` is the HTTP status, 0 when nobody
    answered, `errors` lists what is wrong with which part of the request, and `request_id` finds it in the log.
    """

    def __init__(
        self,
        title: str,
        detail: str = "",
        status: int = 0,
        errors: Iterable[Mapping[str, Any]] = (),
        *,
        type: str = "",
        request_id: str = "",
    ) -> None:
        self.title = title
        self.detail = detail
        self.status = status
        self.errors = [dict(error) for error in errors]
        self.type = type
        self.request_id = request_id
        places = "; ".join(f"{error.get('pointer') or 'event'}: {error.get('detail', '')}" for error in self.errors)
        super().__init__(": ".join(part for part in (f"{status} {title}" if status else title, detail, places) if part))


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the key to wherever it points."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


class Transport:
    """One api-gateway, and the key that opens it.

    An answer of 429, 502, 503 or 504 and a failed connection are tried again with growing pauses, unless the request
    must not be done twice.
    """

    def __init__(self, base_url: str, api_key: str, timeout: float, retries: int) -> None:
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).netloc:
            raise ValueError(f"base_url must look like http://host:port, not {base_url!r}")
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ValueError("the API key has characters that no key has")
        self.base_url = base_url.rstrip("/").removesuffix("/api/v1")
        self.timeout = timeout
        self.retries = retries
        self._api_key = api_key
        self._opener = build_opener(_NoRedirects)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> dict[str, Any]:
        """The JSON object of an answer; empty where there is none.

        `body` is sent as JSON, bytes as they are. `once` is for what must not be done twice.
        """
        for attempt in range(self.retries + 1):
            request = self._request(method, path, body, query, headers)
            retry_after = 0.0
            try:
                with self._opener.open(request, timeout=self.timeout) as answer:
                    return {} if answer.status == 204 else decoded(answer)
            except HTTPError as error:
                with error:
                    if error.code not in (_REFUSED if once else _RETRIED) or attempt == self.retries:
                        raise _problem(error) from None
                    retry_after = _seconds(error.headers.get("Retry-After"))
            except (OSError, HTTPException) as error:
                if attempt == self.retries or once:
                    raise self._nobody(error) from error
            clock.sleep(_pause(attempt, retry_after))
        raise AssertionError("the last attempt returns or raises")

    def pages(self, path: str, query: Mapping[str, Any], limit: int) -> Iterator[Any]:
        """Every item of a list, read a page of at most `limit` at a time."""
        cursor: str | None = None
        while True:
            page = self.call("GET", path, query={**query, "limit": limit, "cursor": cursor})
            yield from page.get("data", [])
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def stream(
        self, path: str, query: Mapping[str, Any] | None = None, timeout: float = 60.0
    ) -> Iterator[tuple[str, str, Any]]:
        """Server-sent events: name, id and data, until the server ends the stream.

        `timeout` is how many seconds nothing at all may come; the server sends a heartbeat every 15.
        """
        request = self._request("GET", path, None, query, {"Accept": "text/event-stream"})
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                yield from _server_sent(answer)
        except HTTPError as error:
            with error:
                raise _problem(error) from None
        except (OSError, HTTPException) as error:
            raise self._nobody(error) from error

    def _request(
        self,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Request:
        parameters = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        url = self.base_url + path + (f"?{urlencode(parameters, quote_via=quote)}" if parameters else "")
        data = body if isinstance(body, bytes | None) else encoded(body)
        request = Request(url, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        request.add_header("Accept", "application/json, application/problem+json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        request.add_unredirected_header("Authorization", f"Bearer {self._api_key}")
        return request

    def _nobody(self, error: Exception) -> ColliderError:
        reason = error.reason if isinstance(error, URLError) else error
        return ColliderError("No answer", f"{self.base_url}: {reason}")


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def segment(text: object) -> str:
    """A part of a path."""
    return quote(str(text), safe="")


def moment(when: datetime | str | None) -> str | None:
    """A time as the API takes it."""
    if not isinstance(when, datetime):
        return when
    if when.tzinfo is None:
        raise ValueError("time needs a time zone, such as datetime.now(timezone.utc)")
    return when.isoformat()


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value) or ""
    return encoded(value).decode() if is_object(value) else str(value)


def _pause(attempt: int, retry_after: float) -> float:
    """Exponential from 0.1 s with jitter, but not sooner than the server asked."""
    exponential: float = 0.1 * 2**attempt * random.uniform(0.5, 1.0)
    return min(_LONGEST_PAUSE, max(retry_after, exponential))


def decoded(answer: IO[bytes]) -> dict[str, Any]:
    try:
        value = json.loads(answer.read(_LONGEST_ANSWER))
    except ValueError:
        raise ColliderError(
            "Unexpected answer", "the server's answer is no JSON: is base_url an api-gateway?"
        ) from None
    if not is_object(value):
        raise ColliderError("Unexpected answer", "it is no JSON object")
    return value


def _server_sent(answer: Iterable[bytes]) -> Iterator[tuple[str, str, Any]]:
    """The HTML Living Standard §9.2, as far as the gateway uses it: data is one line of JSON."""
    name, identifier, data = "message", "", ""
    for line in answer:
        # What is no UTF-8 is no JSON either.
        text = line.decode(errors="replace").rstrip("\r\n")
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if not text:
            if data:
                yield name, identifier, _json(data)
            name, data = "message", ""
        elif field == "event":
            name = value
        elif field == "id":
            identifier = value
        elif field == "data":
            data += value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ColliderError("Unexpected answer", "the stream has data that is no JSON") from None


def _problem(error: HTTPError) -> ColliderError:
    try:
        problem = json.loads(error.read(1 << 20))
    except (ValueError, OSError, HTTPException):
        problem = None
    if not is_object(problem):
        return ColliderError(str(error.reason), status=error.code)
    errors = problem.get("errors")
    return ColliderError(
        str(problem.get("title", error.reason)),
        str(problem.get("detail", "")),
        error.code,
        [entry for entry in errors if is_object(entry)] if is_list(errors) else (),
        type=str(problem.get("type", "")),
        request_id=str(problem.get("request_id", "")),
    )


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header)) if header else 0.0
    except ValueError:
        return 0.0
