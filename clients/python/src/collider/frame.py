"""One frame as a Python value."""

import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from .layout import FrameFlags, semantic_of

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
        return cls(
            frame_id=int(record["frame_id"]),
            semantic=np.array(semantic_of(record), dtype=np.float32),
            delta_time=float(record["delta_time"]),
            duration_ms=float(record["duration_ms"]),
            velocity=float(record["velocity"]),
            interrupt=float(record["interrupt"]),
            timestamp_us=int(record["timestamp_us"]),
            conversation_hash=int(record["conversation_hash"]),
            workflow_node=int(record["workflow_node"]),
            case_status=int(record["case_status"]),
            lead_status=int(record["lead_status"]),
            fill_rate=float(record["fill_rate"]),
            actor_type=int(record["actor_type"]),
            intent_id=int(record["intent_id"]),
            sentiment=float(record["sentiment"]),
            confidence=float(record["confidence"]),
            spin=np.array(record["spin"], dtype=np.float32),
            event_id=uuid.UUID(bytes=bytes(record["event_id"])),
            organization_hash=int(record["organization_hash"]),
            semantic_dimensions=int(record["semantic_dimensions"]),
            flags=FrameFlags(int(record["flags"])),
        )

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
