"""The bytes of the ring, as NumPy data types; docs/frame-format.md is the specification.

Everything is little-endian. The offsets stand here once more, rather than being left to NumPy's packing, so that a
mistake shows at import.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC = 0x5048595349435300
VERSION = 1
COMPACT_MAGIC = 0x5048595349433800
COMPACT_VERSION = 1
DIMENSIONS = 1024

HEADER: np.dtype[Any] = np.dtype(
    {
        "names": [
            "magic",
            "version",
            "frame_size",
            "capacity",
            "head",
            "tail",
            "writer_epoch",
            "heartbeat_us",
            "reserved",
        ],
        "formats": ["<u8", "<u4", "<u4", "<u8", "<u8", "<u8", "<u8", "<u8", "<u8"],
        "offsets": [0, 8, 12, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
"""The first 64 bytes of the file."""

# What follows the embedding, at its place in a full frame.
_NUMBERS: list[tuple[str, Any, int]] = [
    ("delta_time", "<f4", 4112),
    ("duration_ms", "<f4", 4116),
    ("velocity", "<f4", 4120),
    ("interrupt", "<f4", 4124),
    ("timestamp_us", "<i8", 4128),
    ("conversation_hash", "<u8", 4136),
    ("workflow_node", "<i4", 4144),
    ("case_status", "<i4", 4148),
    ("lead_status", "<i4", 4152),
    ("fill_rate", "<f4", 4156),
    ("actor_type", "<i4", 4160),
    ("intent_id", "<i4", 4164),
    ("sentiment", "<f4", 4168),
    ("confidence", "<f4", 4172),
    ("spin", ("<f4", (4,)), 4176),
    ("event_id", ("u1", (16,)), 4192),
    ("organization_hash", "<u8", 4208),
    ("semantic_dimensions", "<u2", 4216),
    ("flags", "<u2", 4218),
]
_SLOT: list[tuple[str, Any, int]] = [("sequence", "<u8", 0), ("frame_id", "<u8", 8)]
_NUMBERS_AT = 4112


def _structure(fields: list[tuple[str, Any, int]], size: int) -> np.dtype[Any]:
    structure = np.dtype(
        {
            "names": [name for name, _, _ in fields],
            "formats": [format for _, format, _ in fields],
            "offsets": [offset for _, _, offset in fields],
            "itemsize": size,
        }
    )
    assert sum(structure[name].itemsize for name, _, _ in fields) == size, "a gap or an overlap between the fields"
    return structure


def _moved(by: int) -> list[tuple[str, Any, int]]:
    return [(name, format, offset + by) for name, format, offset in _NUMBERS]


FRAME = _structure(
    [*_SLOT, ("semantic", ("<f4", (DIMENSIONS,)), 16), *_NUMBERS, ("reserved", "<u4", 4220)],
    4224,
)
"""One frame, 4224 bytes. What the fields mean, and their units, `Frame` tells."""

COMPACT_FRAME = _structure(
    [*_SLOT, ("semantic", ("i1", (DIMENSIONS,)), 16), *_moved(1040 - _NUMBERS_AT), ("scale", "<f4", 1148)],
    1152,
)
"""One frame of a compact ring, 1152 bytes: the embedding is `semantic * scale`."""

NUMBERS = _structure([*_moved(-_NUMBERS_AT), ("scale", "<f4", 108)], 112)
"""A frame without its embedding, 112 bytes, the same in both layouts; `scale` counts in compact rings only."""

assert HEADER.itemsize == 64


class FrameFlags(IntFlag):
    """How values of a frame came about: the bits of `flags`."""

    SENTIMENT_GIVEN = 1
    """The event says its sentiment itself."""
    SENTIMENT_OF_WORDS = 2
    """The sentiment was worked out of the event's words by a lexicon."""
    EMBEDDING_LEXICAL = 4
    """`semantic` is of the built-in lexical embedder."""
    EMBEDDING_MODEL = 8
    """`semantic` is of the configured embedding endpoint."""
    EMBEDDING_STAND_IN = 16
    """Lexical, because the endpoint did not answer in time."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the frames of a ring lie."""

    name: str
    magic: int
    version: int
    frame: np.dtype[Any]
    numbers_at: int
    """Where NUMBERS begins in a frame."""


LAYOUTS = (
    Layout("full", MAGIC, VERSION, FRAME, _NUMBERS_AT),
    Layout("compact", COMPACT_MAGIC, COMPACT_VERSION, COMPACT_FRAME, 1040),
)


def semantic_of(frames: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The embeddings of a batch of either layout, float32 of shape (n, 1024); of a full one a view, else a copy."""
    if frames.dtype == COMPACT_FRAME:
        scaled: npt.NDArray[np.float32] = frames["semantic"] * frames["scale"][..., None]
        return scaled
    return frames["semantic"]
