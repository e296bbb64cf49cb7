"""A usual job queue: Celery, with requests. The worker is `celery --app jobs_celery worker`; the jobs come by
`jobs_celery.py enqueue COUNT BODY_FILE URL...`. The port of Redis is in BENCH_REDIS_PORT.
"""

import os
import sys
from pathlib import Path

import requests
from celery import Celery

app = Celery("jobs", broker=f"redis://127.0.0.1:{os.environ.get('BENCH_REDIS_PORT', '6379')}/1")
# Acknowledged when done, as ours are, and not when begun.
app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=16)
session = requests.Session()


@app.task(name="post")
def post(url: str, body: str) -> None:
    session.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=30).raise_for_status()


if __name__ == "__main__":
    text = Path(sys.argv[3]).read_text()
    urls = sys.argv[4:]
    for number in range(int(sys.argv[2])):
        post.delay(urls[number % len(urls)], text)
