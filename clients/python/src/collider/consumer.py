"""Reads frames one after another, and shows them: `python -m collider.consumer --follow`."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from .frame import Frame
from .layout import FRAME
from .ring import Ring, RingError

if TYPE_CHECKING:
    import torch

DEFAULT_PATH = "/dev/shm/collider"
_LATEST_ATTEMPTS = 64
_BATCH_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02
_REPLACEMENT_CHECK = 0.25


class PhysicsConsumer:
    """Reads a ring in order, from the oldest readable frame on.

    Every frame it returns is a whole copy. Frames that the writer overwrote before they were read are counted in
    `lost`. Consumers don't know of each other, and a slow one holds nobody up. An object is for one thread at a time.

    When the ring is made anew (another capacity, say), the consumer reads the old one to its end and goes on with the
    oldest frame of the new one, whose numbers start again.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, start: Literal["oldest", "newest"] = "oldest"):
        """Opens a ring; the path defaults to RING_PATH, else /dev/shm/collider. `newest` skips what is there now."""
        self.path = os.fspath(path) if path is not None else os.environ.get("RING_PATH", DEFAULT_PATH)
        self.lost = 0
        """Frames that were overwritten before they could be read."""
        self.torn = 0
        """Copies that were thrown away because the writer came into the middle of them."""
        self._ring: Ring | None = Ring(self.path)
        self._next_check = 0.0
        self.position = self._open.tail if start == "oldest" else self._open.head
        """The id of the frame that is read next."""

    @property
    def _open(self) -> Ring:
        if self._ring is None:
            raise RingError(f"this consumer of {self.path} is closed")
        return self._ring

    @property
    def capacity(self) -> int:
        """How many frames the ring holds."""
        return self._open.capacity

    @property
    def head(self) -> int:
        """How many frames were written so far."""
        return self._open.head

    @property
    def lag(self) -> int:
        """How many published frames this consumer hasn't come to yet."""
        return max(0, self._open.head - self.position)

    @property
    def writer_epoch(self) -> int:
        """The number of the ring's writer, one more at each of its starts."""
        return self._open.writer_epoch

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the writer last said that it lives; it does so several times a second."""
        return max(0.0, time.time() - self._open.heartbeat_us / 1_000_000)

    def seek_last(self, count: int) -> None:
        """Goes to where `count` frames, or as many as there are, can be read at once."""
        ring = self._open
        self.position = max(ring.tail, ring.head - max(0, count))

    def read_batch(self, count: int) -> npt.NDArray[Any]:
        """The next frames, at most `count`, as a structured array of `FRAME`; empty when there are none now."""
        if count < 0:
            raise ValueError("count must not be negative")
        for _ in range(_BATCH_ATTEMPTS):
            ring = self._current()
            head = ring.head
            oldest = max(0, head - ring.capacity)
            if self.position < oldest:
                self.lost += oldest - self.position
                self.position = oldest
            end = min(head, self.position + min(count, ring.capacity))
            if end <= self.position:
                break
            copied = ring.copy(self.position, end)
            self.position = end
            self.lost += copied.lost
            self.torn += copied.torn
            # An empty batch means "nothing now", so a wholly lapped one is tried again further on.
            if len(copied.frames):
                return copied.frames
        return np.empty(0, FRAME)

    def read_latest(self) -> Frame | None:
        """The newest frame, or None before the first; doesn't move the consumer.

        Raises RingError when the writer overtook every attempt, which takes a ring of a few slots.
        """
        ring = self._current()
        for _ in range(_LATEST_ATTEMPTS):
            head = ring.head
            if head == 0:
                return None
            copied = ring.copy(head - 1, head)
            if len(copied.frames):
                return Frame.from_record(copied.frames[0])
            self.torn += copied.torn
        raise RingError(f"the writer of {self.path} laps its {ring.capacity} slots faster than one can be copied")

    def read_tensors(self, count: int, device: "str | torch.device" = "cpu") -> "dict[str, torch.Tensor]":
        """The next frames as PyTorch tensors by field name, on a device; needs PyTorch.

        Unsigned 64-bit fields (hashes, ids) come as int64 with the same bits, because few operations know uint64.
        """
        try:
            import torch
        except ImportError as error:
            raise ImportError("read_tensors needs PyTorch: pip install 'collider[torch]'") from error
        batch = self.read_batch(count)
        tensors: dict[str, torch.Tensor] = {}
        for name in FRAME.names or ():
            if name in ("sequence", "reserved"):
                continue
            field = np.ascontiguousarray(batch[name])
            signed = {"u8": np.int64, "u4": np.int64, "u2": np.int32}.get(field.dtype.str[1:])
            if signed is not None:
                field = field.view(np.int64) if field.dtype.itemsize == 8 else field.astype(signed)
            tensors[name] = torch.from_numpy(field).to(device)
        return tensors

    def follow(
        self,
        *,
        stop: Callable[[], bool] | None = None,
        idle_timeout: float | None = None,
        batch_size: int = 256,
    ) -> Iterator[Frame]:
        """Yields every frame as it comes.

        Ends when `stop()` says so (give `threading.Event().is_set`) or no frame came for `idle_timeout` seconds. While
        there is nothing it polls, half a millisecond apart at first and 20 at most.
        """
        pause = _FIRST_PAUSE
        quiet_since = time.monotonic()
        while stop is None or not stop():
            batch = self.read_batch(batch_size)
            for record in batch:
                yield Frame.from_record(record)
                if stop is not None and stop():
                    return
            if len(batch):
                pause, quiet_since = _FIRST_PAUSE, time.monotonic()
                continue
            if idle_timeout is not None and time.monotonic() - quiet_since >= idle_timeout:
                return
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _current(self) -> Ring:
        """The ring to read: the one at hand, or once that is read to its end, the one that has taken its path."""
        ring = self._open
        if ring.head > self.position or time.monotonic() < self._next_check:
            return ring
        self._next_check = time.monotonic() + _REPLACEMENT_CHECK
        if not ring.is_replaced():
            return ring
        try:
            replacement = Ring(self.path)
        except FileNotFoundError:
            return ring
        ring.close()
        self._ring = replacement
        self.position = replacement.tail
        return replacement

    def close(self) -> None:
        """Gives the mapping back; batches and frames already read stay valid."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._ring is None else f"position={self.position}, lag={self.lag}, lost={self.lost}"
        return f"{type(self).__name__}({self.path!r}, {state})"


FrameConsumer = PhysicsConsumer

if __name__ == "__main__":
    from .command import main

    sys.exit(main())
