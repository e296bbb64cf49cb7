"""What actions talk to: a webhook receiver, and a Telegram Bot API that rejects what the real one rejects."""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiogram.methods import SendMessage
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
                data = json.dumps(answer).encode()
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
    """`sendMessage` of the Bot API, each request checked with aiogram's model of that method."""

    TOKEN = "123456789:AAF-token_of_the_end_to_end_tests_35"

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refused: list[str] = []
        super().__init__()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        status, answer = self._send(path, body)
        if status != 200:
            with self.lock:
                self.refused.append(answer["description"])
        return status, answer

    def _send(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path != f"/bot{self.TOKEN}/sendMessage":
            known = path.startswith(f"/bot{self.TOKEN}/")
            return self._error(404, "Not Found") if known else self._error(401, "Unauthorized")
        try:
            message = SendMessage.model_validate(json.loads(body))
        except (ValueError, ValidationError) as error:
            return self._error(400, f"Bad Request: {str(error).splitlines()[0]}")
        if not message.text:
            return self._error(400, "Bad Request: message text is empty")
        if len(message.text) > 4096:
            return self._error(400, "Bad Request: message is too long")
        if message.parse_mode == "HTML" and not self._is_balanced(message.text):
            return self._error(400, "Bad Request: can't parse entities")
        with self.lock:
            self.messages.append(json.loads(body))
            number = len(self.messages)
        return 200, {
            "ok": True,
            "result": {
                "message_id": number,
                "date": 0,
                "chat": {"id": 1, "type": "private"},
            },
        }

    @staticmethod
    def _is_balanced(text: str) -> bool:
        stack: list[str] = []
        for closing, name in re.findall(r"<(/?)([a-z]+)[^>]*>", text):
            if not closing:
                stack.append(name)
            elif not stack or stack.pop() != name:
                return False
        bare = re.sub(r"</?[a-z][^>]*>", "", text)
        return not stack and "<" not in bare and ">" not in bare

    @staticmethod
    def _error(code: int, description: str) -> tuple[int, dict[str, Any]]:
        return code, {"ok": False, "error_code": code, "description": description}
