"""Authentication: what it costs a request, by an API key and by an access token, beside a request that needs none.

All three ask for something that is not there, and get a problem with status 404 of nearly the same size: the one at a
path that no route has, the others at a route that looks at the id after it has looked at the caller. So the difference
is all that comes with a caller: the header, its route's checks of scope and rate, and finding out who asks. Neither a
database nor anything else is asked in between, but for once in 30 seconds (a key) and once in 10 (a session).
"""

import json
import urllib.request
from functools import partial

from harness.load import Loads, Post
from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.servers import Servers
from harness.settings import Settings

NONE, KEY, TOKEN = "no authentication", "an API key", "an access token"
TARGET = 20.0


def ask(port: int, path: str, body: dict[str, str]) -> dict[str, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def access_token(port: int) -> str:
    """Of a person who registers and logs in."""
    who = {"email": "bench@example.com", "password": "correct horse battery"}
    ask(port, "/api/v1/auth/register", {"username": "bench", **who})
    return ask(port, "/api/v1/auth/login", who)["access_token"]


def measure(settings: Settings, report: Report) -> None:
    with Servers() as servers:
        gateway = servers.service("api-gateway")
        loads = Loads(servers)
        posts = {
            NONE: Post(gateway.port, "/api/v1/nothings/x", b"", status=404, method="GET"),
            KEY: Post(gateway.port, "/api/v1/triggers/x", b"", status=404, method="GET", key=servers.api_key),
            TOKEN: Post(
                gateway.port, "/api/v1/triggers/x", b"", status=404, method="GET", key=access_token(gateway.port)
            ),
        }

        def run(post: Post) -> Sample:
            return loads.post(post, {"server": gateway.pid}, seconds=settings.seconds)

        for post in posts.values():
            loads.post(post, {"server": gateway.pid}, seconds=1)
        samples = in_turn({name: partial(run, post) for name, post in posts.items()}, settings.rounds)
        report.section("A request that finds nothing")
        for name, runs in samples.items():
            report.rate(name, runs)
        for name in (KEY, TOKEN):
            report.difference(f"CPU time of {name}", costs(samples[name]), costs(samples[NONE]), at_most=TARGET)
            report.difference(f"time between answers, with {name}", spans(samples[name]), spans(samples[NONE]))


def costs(samples: list[Sample]) -> list[float]:
    """Microseconds of CPU time that the server takes for a request."""
    return [sample.cpu_microseconds("server") for sample in samples]


def spans(samples: list[Sample]) -> list[float]:
    """Microseconds from one answer to the next, on all connections together."""
    return [1e6 / sample.rate for sample in samples]
