"""Embedding: the lexical embedder beside the same in NumPy, what a cached text costs, and how much of an endpoint's own
rate is used."""

import http.client
import json
import random
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.settings import Settings

from suites.ring.programs import sample

TEXTS, WORDS = 2_000, 25
# What an endpoint on a network takes, and as many at a time as the writer asks.
LATENCY, CONCURRENCY, BATCH, DIMENSIONS = 0.05, 4, 64, 256
_PRIME, _BASIS, _PIECE_BASIS = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325), np.uint64(0x9AE16A3B2F90404F)


def measure(load: Path, folder: Path, settings: Settings, report: Report) -> None:
    texts = make_texts()
    path = folder / "texts"
    path.write_text("".join(text + "\n" for text in texts))
    expect_the_same(load, path, texts)
    report.section("Embedding")
    report.note(f"texts of {WORDS} words; a row's `events` are texts")
    count = 20_000 * settings.seconds
    samples = in_turn(
        {
            "numpy": lambda: by_numpy(texts, settings.seconds),
            "lexical": lambda: run(load, "lexical", path, count),
            "own": lambda: own_rate(texts, settings.seconds),
            "endpoint": lambda: by_endpoint(load, "endpoint", path, int(3_000 * settings.seconds)),
            "cached": lambda: by_endpoint(load, "cached", path, 100_000 * settings.seconds),
        },
        settings.rounds,
    )
    report.rate("the same in NumPy, a text at a time", samples["numpy"])
    report.rate("the lexical embedder", samples["lexical"])
    report.ratio("to NumPy", samples["lexical"], samples["numpy"], at_least=5)
    report.rate(f"an endpoint of {LATENCY * 1000:.0f} ms: {CONCURRENCY} at a time, {BATCH} texts each", samples["own"])
    report.rate("the writer's embedder on it, texts of the endpoint's only", samples["endpoint"])
    report.ratio("to the endpoint's own rate", samples["endpoint"], samples["own"], at_least=0.9)
    report.rate("the same texts again, from the cache", samples["cached"])
    microseconds = [1e6 / one.rate for one in samples["cached"]]
    report.target("a cached text", sorted(microseconds)[len(microseconds) // 2], at_most=1, unit="µs")


def make_texts() -> list[str]:
    chance = random.Random(11)
    letters = "etaoinshrdlucmfwygpbvk"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 11))) for _ in range(4_000)]
    return [" ".join(chance.choices(words, k=WORDS)) for _ in range(TEXTS)]


def run(load: Path, mode: str, *arguments: object) -> Sample:
    command = [load, mode, *map(str, arguments)]
    return sample(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def expect_the_same(load: Path, path: Path, texts: list[str]) -> None:
    printed = subprocess.run([load, "vectors", path], check=True, capture_output=True, text=True).stdout
    for line, text in zip(printed.splitlines(), texts, strict=True):
        assert np.abs(np.array(json.loads(line)) - vector_of("message", text)).max() < 1e-5, text


def by_numpy(texts: list[str], seconds: float) -> Sample:
    count, start, used = 0, time.perf_counter(), time.process_time()
    while (taken := time.perf_counter() - start) < seconds:
        vector_of("message", texts[count % len(texts)])
        count += 1
    return Sample(count, taken, cpu={"load": time.process_time() - used})


def vector_of(type: str, text: str) -> npt.NDArray[np.float32]:
    """Hashed words and pieces, all of a text at once."""
    words = [type, *re.findall("[a-z0-9]+", text.lower())]
    weights = np.ones(len(words), np.float32)
    weights[0] = 2
    lengths = np.array([len(word) + 2 for word in words])
    # Each word with a mark before and after it.
    letters = np.frombuffer(("\0" + "\0\0".join(words) + "\0").encode(), np.uint8).astype(np.uint64)
    word_of = np.repeat(np.arange(len(words)), lengths)
    ends = np.cumsum(lengths)
    sums = np.zeros(1024, np.float32)
    whole = np.full(len(words), _BASIS)
    starts = ends - lengths + 1
    for place in range(int(lengths.max()) - 2):
        inside = starts + place < ends - 1
        whole[inside] = (whole[inside] ^ letters[starts[inside] + place]) * _PRIME
    _place(sums, whole, weights)
    pieces = sum(np.maximum(0, lengths - size + 1) for size in (3, 4, 5))
    shares = weights / np.sqrt(pieces.astype(np.float32))
    at = np.arange(len(letters))
    state = np.full(len(letters), _PIECE_BASIS)
    for offset in range(5):
        inside = at + offset < ends[word_of[at]]
        at, state = at[inside], state[inside]
        state = (state ^ letters[at + offset]) * _PRIME
        if offset >= 2:
            _place(sums, state, shares[word_of[at]])
    length = np.sqrt((sums * sums).sum())
    return sums / length if length else sums


def _place(sums: npt.NDArray[np.float32], hashes: npt.NDArray[np.uint64], weights: npt.NDArray[np.float32]) -> None:
    bits = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    bits = (bits ^ (bits >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    bits ^= bits >> np.uint64(33)
    signed = np.where(bits >> np.uint64(63), -weights, weights)
    np.add.at(sums, (bits & np.uint64(1023)).astype(np.intp), signed)


class Endpoint:
    """Answers after a time, whatever it is asked."""

    def __enter__(self) -> str:
        vector = [round(1 / (place + 1), 6) for place in range(DIMENSIONS)]
        items = [f'{{"object":"embedding","index":{index},"embedding":{vector}}}' for index in range(BATCH)]
        answers = {
            count: f'{{"object":"list","data":[{",".join(items[:count])}],"model":"bench"}}'.encode()
            for count in range(1, BATCH + 1)
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(LATENCY)
                answer = answers[len(body["input"])]
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def by_endpoint(load: Path, mode: str, path: Path, count: int) -> Sample:
    with Endpoint() as url:
        done = run(load, mode, path, count, url)
    assert done.events >= 0.95 * count, f"{done.events} of {count} came from the endpoint"
    return done


def own_rate(texts: list[str], seconds: float) -> Sample:
    """As many requests at a time as the writer's, one after the other, and nothing done with the answers."""
    body = json.dumps({"model": "bench", "input": texts[:BATCH], "encoding_format": "float"})
    done: list[int] = []

    def ask(url: str) -> None:
        connection: Any = http.client.HTTPConnection(urlsplit(url).netloc)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            connection.request("POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
            connection.getresponse().read()
            done.append(BATCH)

    with Endpoint() as url:
        threads = [threading.Thread(target=ask, args=(url,)) for _ in range(CONCURRENCY)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Sample(sum(done), time.perf_counter() - start)
