"""Sessions that LISTEN and read what they are told: `python notification_listeners.py DATABASE_URL COUNT CHANNEL…`.

Prints `listening` when all do, and ends with its standard input. In a process of its own, so that it shares no
interpreter with the measurement.
"""

import asyncio
import sys

import asyncpg


async def main(url: str, count: int, channels: list[str]) -> None:
    sessions = [await asyncpg.connect(url) for _ in range(count)]
    for session in sessions:
        for channel in channels:
            await session.add_listener(channel, lambda *_: None)
    print("listening", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for session in sessions:
        await session.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
