"""Server-sent events on aiohttp, as its users write them: a queue for each listener, a write for each event.

`GET /stream` is a stream; `POST /publish` hands every event of its body (JSON lines) to every listener. The bytes of an
event are made once. `python aiohttp_streams.py PORT`.
"""

import asyncio
import sys

import uvloop
from aiohttp import web

# The bound that Collider's streams have too is here the client's: it publishes only what everybody can take.
queues: set[asyncio.Queue[bytes]] = set()


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            await response.write(await queue.get())
    finally:
        queues.discard(queue)


async def publish(request: web.Request) -> web.Response:
    for number, line in enumerate((await request.read()).splitlines()):
        # As long as Collider's: its ids are cursors of 36 characters.
        frame = b"id: %036d\nevent: event\ndata: %s\n\n" % (number, line)
        for queue in queues:
            queue.put_nowait(frame)
    return web.json_response({"listeners": len(queues)})


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "healthy"})


def make() -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/stream", stream), web.post("/publish", publish), web.get("/health", health)])
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(make(), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
