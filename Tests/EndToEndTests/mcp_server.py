"""A server of the Model Context Protocol, made with the official SDK: `mcp_server.py PORT [json] [stateless]`."""

import json
import sys
from typing import Any

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

server = MCPServer("tools of the end-to-end tests")
seen: list[dict[str, Any]] = []
tickets: list[dict[str, Any]] = []


class Ticket(BaseModel):
    number: int
    title: str
    priority: int


@server.tool()
async def open_ticket(title: str, priority: int, context: Context) -> Ticket:
    """Opens a ticket, and says how it goes on the way."""
    await context.report_progress(1, 2)
    ticket = Ticket(number=len(tickets) + 1, title=title, priority=priority)
    tickets.append(ticket.model_dump())
    return ticket


@server.tool()
def greet(name: str) -> str:
    """Says hello, without a structure."""
    return f"Hello, {name}"


@server.tool()
async def linger(seconds: float) -> str:
    """Takes its time."""
    await anyio.sleep(seconds)
    return "done"


@server.tool()
def fail(reason: str) -> str:
    """Fails."""
    raise ToolError(reason)


@server.custom_route("/seen", methods=["GET"])
async def show(request: Request) -> JSONResponse:
    return JSONResponse(seen)


class Recorder:
    """Notes each request to the endpoint on its way in, and answers those without the key with 401."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/mcp":
            return await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if headers.get("authorization") != "Bearer tool-secret":
            echo = f"refused: {headers.get('authorization')}"
            return await JSONResponse({"error": echo}, status_code=401)(scope, receive, send)
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        method = json.loads(body).get("method") if body else None
        seen.append({"http": scope["method"], "headers": headers, "method": method})
        given = False

        async def replay() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


if __name__ == "__main__":
    options = sys.argv[2:]
    app = server.streamable_http_app(json_response="json" in options, stateless_http="stateless" in options)
    uvicorn.run(Recorder(app), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
