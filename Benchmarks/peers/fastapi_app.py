"""The peer most teams would write: FastAPI on granian, an asyncpg pool, one INSERT for each request.

Its table is Collider's own (`PEER_DATABASE_URL` names a migrated database), so both write the same columns and indexes.
The position, which this design has no use for, is the time: the index over it is paid for all the same.
"""

import json
import os
import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

ORGANIZATION = uuid.UUID("00000000-0000-7000-8000-000000000001")
INSERT = """INSERT INTO events (id, organization_id, part, position, type, source, subject, time, received_at, data)
    VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9)"""


class EventIn(BaseModel):
    type: str = Field(min_length=1, max_length=255)
    data: dict[str, Any]
    source: str = ""
    subject: str | None = None
    time: datetime | None = None


class EventOut(BaseModel):
    id: uuid.UUID
    type: str
    received_at: datetime
    duplicate: bool


async def set_codec(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["PEER_DATABASE_URL"], min_size=32, max_size=32, init=set_codec) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.post("/api/v1/events", status_code=201)
async def post_event(event: EventIn, request: Request) -> EventOut:
    received_at = datetime.now(UTC)
    microseconds = int(received_at.timestamp() * 1_000_000)
    event_id = uuid.UUID(int=(microseconds // 1000 << 80) | 7 << 76 | random.getrandbits(76))
    await request.app.state.pool.execute(
        INSERT,
        event_id,
        ORGANIZATION,
        microseconds,
        event.type,
        event.source,
        event.subject,
        event.time or received_at,
        received_at,
        event.data,
    )
    return EventOut(id=event_id, type=event.type, received_at=received_at, duplicate=False)
