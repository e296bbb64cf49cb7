"""Reads frames one after another, and shows them: `python -m collider.consumer --follow`."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from .column import Column
from .frame import Frame
from .ring import Ring, RingError

if TYPE_CHECKING:
    import torch

    from .tensors import TensorReader

DEFAULT_PATH = "/dev/shm/collider"
_LATEST_ATTEMPTS = 64
_BATCH_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02
# How long it sleeps at most where the writer wakes it: other things than frames have to be noticed too.
_LONGEST_SLEEP = 0.1
_REPLACEMENT_CHECK = 0.25
_STALE_AFTER = 5.0


class PhysicsConsumer:
    """Reads a ring in order, from the oldest readable frame on.

    Every frame it returns is a whole copy. Frames that the writer overwrote before they were read are counted in
    `lost`. Consumers don't know of each other, and a slow one holds nobody up. An object is for one thread at a time.

    When the ring is made anew (another capacity, say), the consumer reads the old one to its end and goes on with the
    new one from its beginning, whose numbers start again at 0.
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
        # For how long it sleeps next where nobody wakes it.
        self._pause = _FIRST_PAUSE
        self._tensors: TensorReader | None = None
        self._position = self._open.tail if start == "oldest" else self._open.head

    @property
    def _open(self) -> Ring:
        if self._ring is None:
            raise RingError(f"this consumer of {self.path} is closed")
        return self._ring

    @property
    def position(self) -> int:
        """The id of the frame that is read next; may be set to any."""
        return self._position

    @position.setter
    def position(self, frame_id: int) -> None:
        if frame_id < 0:
            raise ValueError("position must not be negative")
        self._position = int(frame_id)

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
        return max(0, self._open.head - self._position)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What batches are made of: `FRAME`, or `COMPACT_FRAME` where the writer has RING_LAYOUT=compact."""
        return self._open.layout.frame

    @property
    def writer_epoch(self) -> int:
        """The number of the ring's writer, one more at each of its starts."""
        return self._open.writer_epoch

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the writer last said that it lives; it does so several times a second."""
        return max(0.0, time.time() - self._open.heartbeat_us / 1_000_000)

    @property
    def stale(self) -> bool:
        """Whether the writer has not said for 5 seconds that it lives, or has another ring at the path."""
        return self.heartbeat_age > _STALE_AFTER or (self.lag == 0 and self._open.is_replaced())

    def seek_last(self, count: int) -> None:
        """Goes to where `count` frames, or as many as there are, can be read at once."""
        ring = self._open
        self._position = max(ring.tail, ring.head - max(0, count))

    def read_batch(
        self, count: int, *, out: npt.NDArray[Any] | None = None, timeout: float | None = 0
    ) -> npt.NDArray[Any]:
        """The next frames, at most `count`, as a structured array of `dtype`; empty when there are none.

        Shape (n,), n ≤ count. With `out`, an array of `dtype` and of at least `count`, the result is its beginning and
        no memory is asked for. It waits up to `timeout` seconds for the first frame, or without end for None. With both
        and libcolliderring, waiting and copying are one call: the shortest way from the writer.
        """
        if count < 0:
            raise ValueError("count must not be negative")
        if out is not None:
            self._check(out, count)
        begun, seconds, attempts = time.monotonic(), 0.0, 0
        while True:
            ring = self._current()
            # Where a new ring has another layout than the one that `out` was made for, that memory doesn't fit.
            into = out if out is not None and out.dtype == ring.layout.frame else None
            values, position, torn = ring.copy(self._position, count, into, seconds)
            if position != self._position:
                self._go_on(position, len(values), torn)
                if len(values):
                    return values
                # An empty batch means "nothing now", so after a wholly lapped one it is tried again further on.
                attempts += 1
                if attempts % _BATCH_ATTEMPTS:
                    continue
            left = _LONGEST_SLEEP if timeout is None else timeout - (time.monotonic() - begun)
            if left <= 0 or count == 0:
                return values
            seconds = self._next_sleep(left)

    def _go_on(self, position: int, count: int, torn: int) -> None:
        """Takes in that `count` of the frames up to a position were read."""
        self.lost += position - self._position - count
        self.torn += torn
        self._position = position
        self._pause = _FIRST_PAUSE

    def _check(self, out: npt.NDArray[Any], count: int) -> None:
        is_fit = out.ndim == 1 and out.dtype == self.dtype and len(out) >= count
        if not (is_fit and out.flags.c_contiguous and out.flags.writeable):
            raise ValueError(
                f"out must be a contiguous, writable array of {self.dtype.itemsize} bytes an element, {count} or more"
            )

    def read_numbers(self, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[Any]]:
        """The next frames without their embeddings, for a tenth of the cost: ids, and a structured array of `NUMBERS`.

        Both of shape (n,), n ≤ count, validated copies. Moves the consumer as `read_batch` does.
        """
        if count < 0:
            raise ValueError("count must not be negative")
        attempts = 0
        while True:
            ids, numbers, position, torn = self._current().copy_numbers(self._position, count)
            if position == self._position:
                return ids, numbers
            self._go_on(position, len(ids), torn)
            attempts += 1
            if len(ids) or attempts == _BATCH_ATTEMPTS:
                return ids, numbers

    def read_since(self, frame_id: int, count: int = 1000) -> npt.NDArray[Any]:
        """The frames after `frame_id`, at most `count`, as `read_batch` gives them; -1 begins with the very first.

        For who keeps the id of the last frame that it has dealt with: the consumer goes there and on from there, and
        what was overwritten since is counted in `lost`. An id that the ring hasn't come to yet is of another one that
        was there before, so reading begins with the oldest frame.
        """
        last = int(frame_id)
        if last < -1:
            raise ValueError("frame_id must not be below -1")
        ring = self._current()
        self._position = last + 1 if last < ring.head else ring.tail
        return self.read_batch(count)

    def column(self, field: str, count: int | None = None) -> Column:
        """One field of the next frames, at most `count`, in place: a strided view of the ring, without a copy.

        Doesn't move the consumer. It ends where the ring starts over, so that it is one array; set `position` past it
        and ask again for the rest. See `Column` for how to tell what of it counted.
        """
        ring = self._current()
        if field not in (ring.layout.frame.names or ()):
            raise ValueError(f"there is no field {field!r}; there are {', '.join(ring.layout.frame.names or ())}")
        limit = ring.capacity if count is None else max(0, count)
        first, values, sequences = ring.column(field, self._position, limit)
        return Column(values, first, sequences)

    def read_latest(self) -> Frame | None:
        """The newest frame, or None before the first; doesn't move the consumer.

        Raises RingError when the writer overtook every attempt, which takes a ring of a few slots.
        """
        ring = self._current()
        for _ in range(_LATEST_ATTEMPTS):
            head = ring.head
            if head == 0:
                return None
            values, _, torn = ring.copy(head - 1, 1)
            if len(values):
                return Frame.from_record(values[-1])
            self.torn += torn
        raise RingError(f"the writer of {self.path} laps its {ring.capacity} slots faster than one can be copied")

    def read_tensors(
        self, count: int, device: "str | torch.device" = "cpu", *, fields: Iterable[str] | None = None
    ) -> "dict[str, torch.Tensor]":
        """The next frames as PyTorch tensors by field name, on a device; needs PyTorch.

        Shapes (n,), or (n, 1024) of `semantic`, (n, 4) of `spin`, (n, 16) of `event_id`, n ≤ count; float32 where the
        field is, int32, int64 of timestamp and ids. Unsigned 64-bit fields (hashes, ids) come as int64 with the same
        bits, because few operations know uint64. `fields` names some; default is all.

        The whole batch goes to the device in one transfer, from page-locked memory when that is a GPU, and the tensors
        are views of it there: clone what shall outlive the others.
        """
        try:
            from .tensors import TensorReader
        except ImportError as error:
            raise ImportError("read_tensors needs PyTorch: pip install 'collider[torch]'") from error
        if self._tensors is None or not self._tensors.is_for(device):
            self._tensors = TensorReader(device)
        return self._tensors.read(self, count, fields)

    def follow(
        self,
        *,
        stop: Callable[[], bool] | None = None,
        idle_timeout: float | None = None,
        batch_size: int = 256,
    ) -> Iterator[Frame]:
        """Yields every frame as it comes.

        Ends when `stop()` says so (give `threading.Event().is_set`) or no frame came for `idle_timeout` seconds. With
        libcolliderring it sleeps until the writer wakes it, and looks ten times a second whether to stop. Without, it
        polls, half a millisecond apart at first and 20 at most.
        """
        out = self._memory_for(batch_size)
        quiet_since = time.monotonic()
        quiet = 0.0
        while stop is None or not stop():
            left = _LONGEST_SLEEP if idle_timeout is None else min(_LONGEST_SLEEP, idle_timeout - quiet)
            out = self._memory_for(batch_size, out)
            batch = self.read_batch(len(out), out=out, timeout=max(0.0, left))
            for record in batch:
                yield Frame.from_record(record)
                if stop is not None and stop():
                    return
            if len(batch):
                quiet_since = time.monotonic()
            quiet = time.monotonic() - quiet_since
            if idle_timeout is not None and quiet >= idle_timeout:
                return

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until there is a frame to read, or `timeout` seconds are over; says whether there is one."""
        begun = time.monotonic()
        while self._current().head <= self._position:
            left = _LONGEST_SLEEP if timeout is None else timeout - (time.monotonic() - begun)
            if left <= 0:
                return False
            if self._open.wait(self._position, self._next_sleep(left)):
                break
        self._pause = _FIRST_PAUSE
        return True

    def _next_sleep(self, left: float) -> float:
        """For how long to sleep, given how much time is left: more and more where nobody wakes it."""
        if self._open.can_sleep:
            return min(_LONGEST_SLEEP, left)
        pause, self._pause = self._pause, min(_LONGEST_PAUSE, self._pause * 2)
        return min(pause, left)

    async def follow_async(self, *, idle_timeout: float | None = None, batch_size: int = 256) -> AsyncIterator[Frame]:
        """Yields every frame as it comes, to `async for`; cancel the task to end it.

        With libcolliderring a thread of its own sleeps until the writer wakes it, because an event loop can't sleep on
        shared memory. Without, it polls, half a millisecond apart at first and 20 at most. Between two batches it lets
        other tasks run.
        """
        out = self._memory_for(batch_size)
        quiet_since = time.monotonic()
        loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, "collider-follow")
        try:
            while True:
                out = self._memory_for(batch_size, out)
                batch = self.read_batch(len(out), out=out)
                for record in batch:
                    yield Frame.from_record(record)
                if len(batch):
                    quiet_since = time.monotonic()
                    await asyncio.sleep(0)  # other tasks' turn
                    continue
                left = _LONGEST_SLEEP if idle_timeout is None else idle_timeout - (time.monotonic() - quiet_since)
                if left <= 0:
                    return
                ring, seconds = self._open, self._next_sleep(left)
                if ring.can_sleep:
                    await loop.run_in_executor(thread, ring.wait, self._position, seconds)
                else:
                    await asyncio.sleep(seconds)
        finally:
            # It ends by itself, a tenth of a second later at most.
            thread.shutdown(wait=False)

    def _current(self) -> Ring:
        """The ring to read: the one at hand, or once that is read to its end, the one that has taken its path."""
        ring = self._open
        if ring.head > self._position or time.monotonic() < self._next_check:
            return ring
        self._next_check = time.monotonic() + _REPLACEMENT_CHECK
        # Looked at once more, because the old one's writer may have gone on until it was replaced.
        if not ring.is_replaced() or ring.head > self._position:
            return ring
        try:
            replacement = Ring(self.path)
        except FileNotFoundError:
            return ring
        ring.close()
        self._ring = replacement
        # From its beginning, so that what it has overwritten already is counted.
        self._position = 0
        return replacement

    def _memory_for(self, batch_size: int, known: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Memory for batches of which values are made; what is known, or new where the layout is another by now."""
        if batch_size < 1:
            raise ValueError("batch_size must be 1 or more")
        if known is not None and known.dtype == self.dtype:
            return known
        return np.empty(min(batch_size, self.capacity), self.dtype)

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
