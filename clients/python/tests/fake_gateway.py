"""An api-gateway that answers what a test has written down."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "ck_test_0123456789"
Answer = tuple[int, dict[str, str], bytes] | None


class Gateway:
    """Answers from a list; None closes the connection without an answer."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or "null")
                gateway.requests.append((self.path, dict(self.headers), body))
                answer = gateway.answers.pop(0) if gateway.answers else gateway.success(body)
                if answer is None:
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PATCH = do_DELETE = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @staticmethod
    def success(body: Any) -> Answer:
        if isinstance(body, list):
            results = [{"index": index, "status": 201, "id": f"id-{index}"} for index in range(len(body))]
            batch = {"accepted": len(body), "duplicates": 0, "rejected": 0, "results": results}
            return 200, {}, json.dumps(batch).encode()
        stored = {"id": "event-1", "type": body["type"], "received_at": "2026-01-01T00:00:00Z", "duplicate": False}
        return 201, {}, json.dumps(stored).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def problem(status: int, **members: Any) -> Answer:
    return status, {"Content-Type": "application/problem+json"}, json.dumps({"status": status, **members}).encode()
