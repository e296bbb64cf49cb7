"""Collider for Python: frames out of shared memory, events into the log.

>>> from collider import PhysicsConsumer, Client

Names are loaded when first used, so that a program that only sends events doesn't load NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import BatchResult, Client, ColliderError, StoredEvent
    from .column import Column
    from .consumer import FrameConsumer, PhysicsConsumer
    from .frame import Frame
    from .layout import COMPACT_FRAME, FRAME, HEADER, NUMBERS, FrameFlags, semantic_of
    from .ring import RingError, RingNotFoundError
    from .tensors import FrameDataset

__all__ = [
    "COMPACT_FRAME",
    "FRAME",
    "HEADER",
    "NUMBERS",
    "BatchResult",
    "Client",
    "ColliderError",
    "Column",
    "Frame",
    "FrameConsumer",
    "FrameDataset",
    "FrameFlags",
    "PhysicsConsumer",
    "RingError",
    "RingNotFoundError",
    "StoredEvent",
    "semantic_of",
]

_HOMES = {
    "client": ("BatchResult", "Client", "ColliderError", "StoredEvent"),
    "column": ("Column",),
    "consumer": ("FrameConsumer", "PhysicsConsumer"),
    "frame": ("Frame",),
    "layout": ("COMPACT_FRAME", "FRAME", "HEADER", "NUMBERS", "FrameFlags", "semantic_of"),
    "ring": ("RingError", "RingNotFoundError"),
    "tensors": ("FrameDataset",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
