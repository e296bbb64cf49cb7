"""A ring writer in plain Python that follows docs/frame-format.md, and can pause in the middle of a frame."""

import os
import struct
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEADER_SIZE, FRAME_SIZE, COMPACT_SIZE = 64, 4224, 1152
PAYLOAD = struct.Struct("<1024f 4f q Q 3i f 2i 2f 4f 16s Q H H I")
COMPACT_PAYLOAD = struct.Struct("<1024b 4f q Q 3i f 2i 2f 4f 16s Q H H f")
assert PAYLOAD.size == FRAME_SIZE - 16
assert COMPACT_PAYLOAD.size == COMPACT_SIZE - 16


class RingWriter:
    def __init__(self, path: Path, capacity: int, *, epoch: int = 1, version: int = 1, compact: bool = False) -> None:
        self.path, self.capacity, self.compact = path, capacity, compact
        self.frame_size = COMPACT_SIZE if compact else FRAME_SIZE
        magic = 0x5048595349433800 if compact else 0x5048595349435300
        self.head = 0
        temporary = path.with_name(path.name + ".new")
        temporary.write_bytes(bytes(HEADER_SIZE + capacity * self.frame_size))
        self.descriptor = os.open(temporary, os.O_RDWR)
        self._write(0, struct.pack("<QIIQ", magic, version, self.frame_size, capacity))
        self._write(40, struct.pack("<QQ", epoch, int(time.time() * 1e6)))
        os.rename(temporary, path)

    def _write(self, offset: int, data: bytes) -> None:
        assert os.pwrite(self.descriptor, data, offset) == len(data)

    def slot(self, frame_id: int) -> int:
        return HEADER_SIZE + frame_id % self.capacity * self.frame_size

    @contextmanager
    def writing(self, event_id: uuid.UUID | None = None, fill: float = 0.0, **numbers: float) -> Iterator[int]:
        """Writes one frame; the body runs while the slot is odd and half of the payload is there."""
        frame_id, offset = self.head, self.slot(self.head)
        self._write(32, struct.pack("<Q", max(0, frame_id + 1 - self.capacity)))
        self._write(offset, struct.pack("<Q", 2 * frame_id + 1))
        body = struct.pack("<Q", frame_id) + self.payload(
            frame_id, event_id or uuid.UUID(int=frame_id), fill, **numbers
        )
        self._write(offset + 8, body[:1000])
        yield frame_id
        self._write(offset + 1008, body[1000:])
        self._write(offset, struct.pack("<Q", 2 * frame_id + 2))
        self.head += 1
        self._write(24, struct.pack("<Q", self.head))

    def write(self, count: int = 1, **values: object) -> None:
        for _ in range(count):
            with self.writing(**values):  # type: ignore[arg-type]
                pass

    def payload(
        self,
        frame_id: int,
        event_id: uuid.UUID,
        fill: float,
        sentiment: float = 0.5,
        conversation: int = 0xFEDCBA9876543210,
        flags: int = 0,
        actor: int = 1,
    ) -> bytes:
        numbers = (
            *(1.5, 2.5, 3.0, 0.25), 1_700_000_000_000_000 + frame_id, conversation, *(-1, 4, 5), fill,
            *(actor, 7), *(sentiment, 0.75), *(1.0, 0.0, 0.0, 0.0), event_id.bytes, 0x0123456789ABCDEF, 1024, flags,
        )  # fmt: skip
        if self.compact:
            return COMPACT_PAYLOAD.pack(*[frame_id % 128] * 1024, *numbers, 0.5)
        return PAYLOAD.pack(*[float(frame_id)] * 1024, *numbers, 0)

    def close(self) -> None:
        os.close(self.descriptor)
