"""One frame as a Python value."""

import math
import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from .layout import FRAME, FrameFlags

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACTORS = ("system", "human", "agent", "tool")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame, copied out of the ring and validated. Field by field: docs/frame-format.md."""

    frame_id: int
    semantic: npt.NDArray[np.float32]
    delta_time: float
    duration_ms: float
    velocity: float
    interrupt: float
    timestamp_us: int
    conversation_hash: int
    workflow_node: int
    case_status: int
    lead_status: int
    fill_rate: float
    actor_type: int
    intent_id: int
    sentiment: float
    confidence: float
    spin: npt.NDArray[np.float32]
    event_id: uuid.UUID
    organization_hash: int
    semantic_dimensions: int
    flags: FrameFlags

    @classmethod
    def from_record(cls, record: Any) -> "Frame":
        """Makes a frame of one element of a batch, whose memory it then no longer needs."""
        # All fields at once, which takes a tenth of asking for each.
        _, frame_id, semantic, *numbers, spin, event_id, organization, dimensions, flags, scale = record.item()
        values: list[Any] = [
            frame_id,
            semantic.copy() if semantic.dtype == np.float32 else semantic * np.float32(scale),
            *numbers,
            spin.copy(),
            uuid.UUID(bytes=event_id.tobytes()),
            organization,
            dimensions,
            FrameFlags(flags),
        ]
        return cls(*values)

    @property
    def time(self) -> datetime | None:
        """When the event happened, or None where no datetime reaches."""
        try:
            return _EPOCH + timedelta(microseconds=self.timestamp_us)
        except OverflowError:
            return None

    @property
    def seconds_since_previous(self) -> float | None:
        """Seconds since the conversation's previous event; None for the first, which `delta_time` shows as 0."""
        return math.exp(self.delta_time) if self.delta_time != 0 else None

    @property
    def actor(self) -> str:
        """The name of `actor_type`."""
        return _ACTORS[self.actor_type] if 0 <= self.actor_type < len(_ACTORS) else str(self.actor_type)

    def as_dict(self, *, semantic: bool = True) -> dict[str, Any]:
        """The frame in values that `json` can write; hashes are hexadecimal, because JSON readers round 64 bits."""
        values: dict[str, Any] = {
            "frame_id": self.frame_id,
            "event_id": str(self.event_id),
            "time": self.time.isoformat().replace("+00:00", "Z") if self.time else None,
            "timestamp_us": self.timestamp_us,
            "conversation_hash": f"{self.conversation_hash:016x}",
            "organization_hash": f"{self.organization_hash:016x}",
            "intent_id": self.intent_id,
            "actor_type": self.actor_type,
            "delta_time": self.delta_time,
            "duration_ms": self.duration_ms,
            "velocity": self.velocity,
            "interrupt": self.interrupt,
            "workflow_node": self.workflow_node,
            "case_status": self.case_status,
            "lead_status": self.lead_status,
            "fill_rate": self.fill_rate,
            "sentiment": self.sentiment,
            "confidence": self.confidence,
            "spin": [float(part) for part in self.spin],
            "semantic_dimensions": self.semantic_dimensions,
            "flags": int(self.flags),
        }
        if semantic:
            values["semantic"] = [float(part) for part in self.semantic[: self.semantic_dimensions]]
        return values


assert tuple(field.name for field in fields(Frame)) == (FRAME.names or ())[1:-1], "from_record goes by the order"
