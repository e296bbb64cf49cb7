"""A usual asynchronous job queue: arq, with aiohttp. `jobs_arq.py enqueue REDIS_PORT COUNT BODY_FILE URL...` or
`jobs_arq.py work REDIS_PORT`, which works until there is nothing left.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiohttp
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker


async def start(context: dict[str, Any]) -> None:
    context["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))


async def stop(context: dict[str, Any]) -> None:
    await context["session"].close()


async def post(context: dict[str, Any], url: str, body: bytes) -> None:
    async with context["session"].post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        await answer.read()
        answer.raise_for_status()


async def enqueue(port: int, count: int, body: bytes, urls: list[str]) -> None:
    pool = await create_pool(RedisSettings(port=port))
    for first in range(0, count, 500):
        jobs = range(first, min(count, first + 500))
        await asyncio.gather(*(pool.enqueue_job("post", urls[number % len(urls)], body) for number in jobs))
    await pool.aclose()


def work(port: int) -> None:
    # No results are kept, and a worker has as many jobs at a time as ours.
    Worker(
        functions=[post],
        on_startup=start,
        on_shutdown=stop,
        redis_settings=RedisSettings(port=port),
        max_jobs=64,
        keep_result=0,
        burst=True,
        poll_delay=0.05,
    ).run()


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(int(sys.argv[2]))
    else:
        asyncio.run(enqueue(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]).read_bytes(), sys.argv[5:]))
