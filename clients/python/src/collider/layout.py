"""The bytes of the ring, as NumPy data types; docs/frame-format.md is the specification.

Everything is little-endian. The offsets stand here once more, rather than being left to NumPy's packing, so that a
mistake shows at import.
"""

from typing import Any

import numpy as np

MAGIC = 0x5048595349435300
VERSION = 1
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

_FIELDS: list[tuple[str, Any, int]] = [
    ("sequence", "<u8", 0),
    ("frame_id", "<u8", 8),
    ("semantic", ("<f4", (DIMENSIONS,)), 16),
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
    ("reserved", "<u4", 4220),
]

FRAME: np.dtype[Any] = np.dtype(
    {
        "names": [name for name, _, _ in _FIELDS],
        "formats": [format for _, format, _ in _FIELDS],
        "offsets": [offset for _, _, offset in _FIELDS],
        "itemsize": 4224,
    }
)
"""One frame, 4224 bytes."""

assert HEADER.itemsize == 64
assert FRAME.itemsize == 4224
assert sum(FRAME[name].itemsize for name in FRAME.names or ()) == 4224, "a gap or an overlap between the fields"
