"""What actions talk to: a webhook receiver, and a Telegram Bot API and a Slack that reject what the real ones do."""

import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from aiogram.methods import SendMessage, SendPhoto
from bot_api import EntityError, plain, utf16
from pydantic import ValidationError
from standardwebhooks import Webhook

SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """An HTTP server on a free loopback port that keeps what it was sent."""

    def __init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet: in two, each answer would wait 40 ms for the client's delayed ACK.
            wbufsize = 64 * 1024

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                status, answer = outer.answer(self.path, dict(self.headers), body)
                data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that was killed in the middle of a request is no error of the receiver's."""

        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        raise NotImplementedError

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class WebhookReceiver(Receiver):
    """Verifies each request with the reference library of Standard Webhooks before it keeps it."""

    def __init__(self, status: Callable[[int], int] = lambda count: 200) -> None:
        self.received: list[tuple[dict[str, str], Any]] = []
        self.refused: list[str] = []
        self.status = status
        super().__init__()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            payload = Webhook(SIGNING_SECRET).verify(body, lowered)
        except Exception as error:
            with self.lock:
                self.refused.append(f"{type(error).__name__}: {error}")
            return 401, {"error": "bad signature"}
        with self.lock:
            self.received.append((lowered, payload))
            return self.status(len(self.received)), {}


class TelegramFake(Receiver):
    """`sendMessage` and `sendPhoto` of the Bot API, each request checked with aiogram's model of that method.

    It refuses what the real one refuses: a bad token, a chat that it does not know or that has blocked the bot, markup
    that it can't parse, a text that is empty or too long, and more than one message a second in a chat.
    """

    TOKEN = "123456789:AAF-token_of_the_end_to_end_tests_35"
    METHODS: ClassVar = {"sendMessage": SendMessage, "sendPhoto": SendPhoto}
    # The real one lets a few pass; here a tenth of the second is left for the way.
    LEAST_PAUSE = 0.9

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.arrivals: list[float] = []
        self.refused: list[str] = []
        # What is answered next, before anything is looked at: a status, and the seconds to wait with a 429.
        self.failures: dict[int, tuple[int, int]] = {}
        self.last: dict[str, float] = {}
        self.requests = 0
        super().__init__()

    def fail(self, request: int, status: int, retry_after: int = 0) -> None:
        """Has a request fail, counted from the next, which is 0."""
        with self.lock:
            self.failures[self.requests + request] = (status, retry_after)

    def to(self, chat: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if str(message["chat_id"]) == chat]

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        with self.lock:
            status, answer = self._judge(path, body)
            if status != 200:
                self.refused.append(answer["description"])
            return status, answer

    def _judge(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        failure = self.failures.pop(self.requests, None)
        self.requests += 1
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", path)
        if not found or found.group(2) not in self.METHODS:
            return self._error(404, "Not Found")
        if found.group(1) != self.TOKEN:
            return self._error(401, "Unauthorized")
        if failure and failure[0] == 429:
            return self._flood(failure[1])
        if failure:
            return self._error(failure[0], "Bad Gateway")
        try:
            message = json.loads(body)
            self.METHODS[found.group(2)].model_validate(message)
        except (ValueError, ValidationError) as error:
            return self._error(400, f"Bad Request: {str(error).splitlines()[0]}")
        if refusal := self._refusal(message):
            return self._error(*refusal)
        chat, now = str(message["chat_id"]), time.monotonic()
        if now - self.last.get(chat, 0) < self.LEAST_PAUSE:
            return self._flood(1)
        self.last[chat] = now
        self.messages.append(message)
        self.arrivals.append(now)
        return 200, {
            "ok": True,
            "result": {
                "message_id": len(self.messages),
                "date": 0,
                "chat": {"id": 1, "type": "private"},
            },
        }

    def _refusal(self, message: dict[str, Any]) -> tuple[int, str] | None:
        chat = str(message["chat_id"])
        if chat == "404":
            return 400, "Bad Request: chat not found"
        if chat == "403":
            return 403, "Forbidden: bot was blocked by the user"
        is_photo = "photo" in message
        try:
            text = plain(message.get("caption" if is_photo else "text", ""), message.get("parse_mode"))
        except EntityError as error:
            return 400, f"Bad Request: can't parse entities: {error}"
        if not is_photo and not text.strip():
            return 400, "Bad Request: message text is empty"
        if utf16(text.strip()) > (1024 if is_photo else 4096):
            return 400, f"Bad Request: message {'caption ' if is_photo else ''}is too long"
        if is_photo and not re.fullmatch(r"https?://[^\s]+|[\w-]+", message["photo"]):
            return 400, "Bad Request: wrong file identifier/HTTP URL specified"
        for button in [button for row in message.get("reply_markup", {}).get("inline_keyboard", []) for button in row]:
            if len(button.get("callback_data", "").encode()) > 64:
                return 400, "Bad Request: BUTTON_DATA_INVALID"
            if "url" in button and not re.fullmatch(r"(https?|tg)://[!-~]+", button["url"]):
                return 400, "Bad Request: inline keyboard button URL is invalid"
        return None

    def _flood(self, seconds: int) -> tuple[int, dict[str, Any]]:
        status, answer = self._error(429, f"Too Many Requests: retry after {seconds}")
        return status, answer | {"parameters": {"retry_after": seconds}}

    @staticmethod
    def _error(code: int, description: str) -> tuple[int, dict[str, Any]]:
        return code, {"ok": False, "error_code": code, "description": description}


class SlackFake(Receiver):
    """An incoming webhook of Slack, which refuses what Slack refuses."""

    PATH = "/services/T0000/B0000/secret-of-the-end-to-end-tests"

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refused: list[str] = []
        super().__init__()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        status, words = self._judge(path, headers, body)
        with self.lock:
            if status != 200:
                self.refused.append(words)
        return status, words

    def _judge(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        if path.endswith("/archived"):
            return 410, "channel_is_archived"
        if path != self.PATH:
            return 404, "no_service"
        if headers.get("Content-Type", headers.get("content-type")) != "application/json":
            return 400, "invalid_payload"
        try:
            message = json.loads(body)
        except ValueError:
            return 400, "invalid_payload"
        if not isinstance(message, dict) or not (message.get("text") or message.get("blocks")):
            return 400, "no_text"
        if not all(self._is_block(block) for block in message.get("blocks", [])):
            return 400, "invalid_blocks"
        with self.lock:
            self.messages.append(message)
        return 200, "ok"

    @staticmethod
    def _is_block(block: Any) -> bool:
        if block.get("type") not in ("section", "header", "divider", "image", "context", "actions"):
            return False
        texts = [block["text"]] if "text" in block else block.get("fields", [])
        return all(
            text.get("type") in ("mrkdwn", "plain_text")
            and isinstance(text.get("text"), str)
            and 0 < len(text["text"]) <= 3000
            for text in texts
        )
