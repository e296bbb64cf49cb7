"""Trains a small model on the stream, and posts what it foresees as events that triggers can fire on.

    export COLLIDER_URL=http://127.0.0.1:8080 COLLIDER_API_KEY=ck_…       # a key that may write events
    python clients/python/examples/score_stream.py

The model is a logistic regression, learned as the frames come: will the next event of this conversation sound bad? The
answer comes with that event, so that no labels are needed. A foreboding above `--above` becomes an event of type
`Score` with the frame's event as its cause; this trigger fires on it:

    {"name": "about to go wrong", "event_types": ["Score"],
     "condition": {"all": [{"field": "name", "operator": "eq", "value": "next_is_bad"},
                           {"field": "value", "operator": "gte", "value": 0.8}]},
     "actions": [{"type": "rest", "config": {"url": "https://example.com/hook"}}]}
"""

import argparse
import os
import sys
from collections import OrderedDict

import numpy as np
import numpy.typing as npt
from collider import Client, Frame, FrameFlags, PhysicsConsumer

Vector = npt.NDArray[np.float64]
_HAS_SENTIMENT = FrameFlags.SENTIMENT_GIVEN | FrameFlags.SENTIMENT_OF_WORDS
_MOST_CONVERSATIONS = 50_000


def features(frame: Frame) -> Vector:
    """What the model sees of a frame: float64 of shape (11,), each about as large as 1."""
    return np.array(
        [
            1.0,
            frame.sentiment,
            np.log1p(frame.velocity),
            frame.delta_time / 10,
            frame.fill_rate,
            frame.confidence,
            float(frame.actor_type == 1),
            *frame.spin.astype(np.float64),
        ]
    )


class Foreboding:
    """A logistic regression by stochastic gradient descent, with a step that shrinks (AdaGrad)."""

    def __init__(self, step: float = 0.5) -> None:
        self.weights = np.zeros(11)
        self.squares = np.full(11, 1e-6)
        self.step = step
        self.seen = 0
        # What is still to be answered, of each conversation: the last that was seen of it.
        self._open: OrderedDict[int, Vector] = OrderedDict()

    def predict(self, seen: Vector) -> float:
        """The probability that what comes next sounds bad."""
        return float(1 / (1 + np.exp(-np.clip(seen @ self.weights, -30, 30))))

    def take(self, frame: Frame) -> float | None:
        """Learns from a frame what came after the one before, and says what it expects now; None without a subject."""
        if frame.conversation_hash == 0:
            return None
        before = self._open.pop(frame.conversation_hash, None)
        if before is not None and frame.flags & _HAS_SENTIMENT:
            self._learn(before, frame.sentiment < -0.05)
        self._open[frame.conversation_hash] = features(frame)
        if len(self._open) > _MOST_CONVERSATIONS:
            self._open.popitem(last=False)
        return self.predict(self._open[frame.conversation_hash])

    def _learn(self, seen: Vector, is_bad: bool) -> None:
        gradient = (self.predict(seen) - float(is_bad)) * seen
        self.squares += gradient**2
        self.weights -= self.step * gradient / np.sqrt(self.squares)
        self.seen += 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--path", help="the ring's file (default: RING_PATH, else /dev/shm/collider)")
    parser.add_argument("--above", type=float, default=0.8, help="the least probability that is posted")
    parser.add_argument("--warm-up", type=int, default=200, help="answers that it learns from before it posts anything")
    parser.add_argument("--idle-timeout", type=float, help="end when nothing came for so many seconds")
    options = parser.parse_args(arguments)
    try:
        client = Client(os.environ["COLLIDER_URL"], os.environ["COLLIDER_API_KEY"])
    except KeyError as missing:
        print(f"error: {missing.args[0]} is not set", file=sys.stderr)
        return 1
    model, posted = Foreboding(), 0
    with PhysicsConsumer(options.path) as consumer:
        try:
            for frame in consumer.follow(idle_timeout=options.idle_timeout):
                # Scores come by as frames too. They say nothing new, and are neither learned from nor judged.
                if frame.actor == "agent":
                    continue
                expected = model.take(frame)
                if expected is None or model.seen < options.warm_up or expected < options.above:
                    continue
                client.score(frame, "next_is_bad", expected, data={"actor_type": 2})
                posted += 1
        except KeyboardInterrupt:
            pass
    print(f"learned from {model.seen:,} answers, posted {posted:,} scores, {consumer.lost:,} frames lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
