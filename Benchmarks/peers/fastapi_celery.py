"""The stack most teams would write for webhooks: FastAPI, an INSERT into PostgreSQL, a task for Celery, requests.

It inserts as `fastapi_app.py` does; the task is that of `jobs_celery.py`, whose worker runs beside it. It signs nothing
and notes nothing about how it went, which is kind to it. BENCH_WEBHOOK_URL says where events go.
"""

import json
import os

from fastapi import FastAPI, Request
from fastapi_app import EventIn, EventOut, lifespan, post_event
from jobs_celery import post

WEBHOOK_URL = os.environ["BENCH_WEBHOOK_URL"]
app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.post("/api/v1/events", status_code=201)
async def post_and_deliver(event: EventIn, request: Request) -> EventOut:
    stored = await post_event(event, request)
    post.delay(WEBHOOK_URL, json.dumps({"type": event.type, "id": str(stored.id), "data": event.data}))
    return stored
