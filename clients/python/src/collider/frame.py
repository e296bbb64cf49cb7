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
    """A frame, copied out of the ring and validated."""

    frame_id: int
    """Its number in the ring: one more than that of the frame before."""
    semantic: npt.NDArray[np.float32]
    """The embedding, float32 of shape (1024,), of Euclidean length 1; unused places are 0."""
    delta_time: float
    """Natural logarithm of the seconds since the conversation's event before; 0 for its first."""
    duration_ms: float
    """Milliseconds from received to published."""
    velocity: float
    """The conversation's events per minute over the last 60 seconds, this one included."""
    interrupt: float
    """What the event says of it; 0."""
    timestamp_us: int
    """The event's time, in microseconds since 1970; see `time`."""
    conversation_hash: int
    """FNV-1a, 64 bits, of the subject; 0 without one."""
    workflow_node: int
    """What the event says of it; -1."""
    case_status: int
    """What the event says of it; 0."""
    lead_status: int
    """What the event says of it; 0."""
    fill_rate: float
    """Of the fields that the type's events had so far the share that this one has, 0 to 1."""
    actor_type: int
    """0 system, 1 human, 2 agent, 3 tool; see `actor`."""
    intent_id: int
    """The number of the event type, for good."""
    sentiment: float
    """-1 to 1; `flags` tell who says so."""
    confidence: float
    """What the event says of it, 0 to 1; 0."""
    spin: npt.NDArray[np.float32]
    """A unit quaternion w x y z, float32 of shape (4,): the embedding projected; 1 0 0 0 without one."""
    event_id: uuid.UUID
    """The id of the event in the log."""
    organization_hash: int
    """FNV-1a, 64 bits, of the 16 bytes of the organization's id."""
    semantic_dimensions: int
    """How many places of `semantic` the model filled, 0 to 1024."""
    flags: FrameFlags
    """How sentiment and embedding came about."""

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
