"""Draws the newest frames: how fast conversations move, how they sound, and where their texts lie in two dimensions.

    pip install './clients/python[plot]'
    python clients/python/examples/live_picture.py                        # a window that moves with the stream
    python clients/python/examples/live_picture.py --output frames.png    # one picture of what is there now

Needs nothing but the ring: no key, no network.
"""

import argparse
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from collider import PhysicsConsumer, semantic_of

Array = npt.NDArray[Any]


def principal_components(vectors: Array) -> Array:
    """Where vectors, float32 of shape (n, d), lie along the two directions in which they differ most: shape (n, 2)."""
    if len(vectors) < 2:
        return np.zeros((len(vectors), 2), np.float32)
    centred = vectors - vectors.mean(axis=0)
    # Of the small matrix of products, because there are fewer frames than dimensions.
    values, directions = np.linalg.eigh(centred @ centred.T)
    places: Array = directions[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0))
    # The sign of a direction is chance; so chosen, the picture doesn't flip from one to the next.
    return places * np.where(places[np.abs(places).argmax(axis=0), [0, 1]] < 0, -1, 1)


class Picture:
    """Three panels over the frames of one batch."""

    def __init__(self, pyplot: Any) -> None:
        self.figure, axes = pyplot.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
        self.velocity, self.sentiment, self.map = axes

    def draw(self, batch: Array, title: str) -> None:
        """Draws a structured array of frames, as `read_batch` gives it."""
        for axis in (self.velocity, self.sentiment, self.map):
            axis.clear()
        self.figure.suptitle(title)
        seconds = (batch["timestamp_us"] - batch["timestamp_us"].max(initial=0)) / 1e6
        conversations, colors = np.unique(batch["conversation_hash"], return_inverse=True)
        self.velocity.scatter(seconds, batch["velocity"], c=colors, s=8, cmap="tab20")
        self.velocity.set(title=f"velocity of {len(conversations)} conversations", xlabel="s", ylabel="events a minute")
        self.sentiment.scatter(seconds, batch["sentiment"], c=batch["sentiment"], cmap="RdYlGn", vmin=-1, vmax=1, s=8)
        self.sentiment.set(title="sentiment", xlabel="s", ylim=(-1.05, 1.05))
        places = principal_components(semantic_of(batch))
        self.map.scatter(places[:, 0], places[:, 1], c=batch["intent_id"], cmap="tab10", s=10)
        self.map.set(title="embeddings, in two dimensions; colour: event type", xticks=[], yticks=[])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--path", help="the ring's file (default: RING_PATH, else /dev/shm/collider)")
    parser.add_argument("--frames", type=int, default=500, help="how many of the newest frames are drawn")
    parser.add_argument("--output", help="write one picture to this file and end")
    options = parser.parse_args(arguments)
    try:
        import matplotlib
    except ImportError:
        print("error: this needs matplotlib: pip install 'collider[plot]'", file=sys.stderr)
        return 1
    if options.output:
        matplotlib.use("Agg")
    from matplotlib import pyplot

    with PhysicsConsumer(options.path) as consumer:
        picture = Picture(pyplot)
        while options.output or pyplot.fignum_exists(picture.figure.number):
            consumer.seek_last(options.frames)
            batch = consumer.read_batch(options.frames)
            picture.draw(batch, f"{consumer.head:,} frames, the newest {len(batch)}")
            if options.output:
                picture.figure.savefig(options.output)
                return 0
            # Lets the window live for a moment, then waits for news.
            pyplot.pause(0.2)
            consumer.wait(1.0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
