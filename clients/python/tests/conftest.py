from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ring_writer import RingWriter


@pytest.fixture
def ring_path(tmp_path: Path) -> Path:
    return tmp_path / "ring"


@pytest.fixture
def make_ring(ring_path: Path) -> Iterator[Callable[..., RingWriter]]:
    """Makes the ring of the test; made again, it takes the place of the one before."""
    writers: list[RingWriter] = []

    def make(capacity: int = 8, **values: int) -> RingWriter:
        writers.append(RingWriter(ring_path, capacity, **values))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()
