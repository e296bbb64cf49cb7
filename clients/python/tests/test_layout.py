import struct

import numpy as np
from collider import FRAME, HEADER
from ring_writer import PAYLOAD


def test_the_frame_has_the_size_and_the_offsets_of_the_specification() -> None:
    assert FRAME.itemsize == 4224
    assert {name: FRAME.fields[name][1] for name in FRAME.names} == {
        "sequence": 0, "frame_id": 8, "semantic": 16, "delta_time": 4112, "duration_ms": 4116, "velocity": 4120,
        "interrupt": 4124, "timestamp_us": 4128, "conversation_hash": 4136, "workflow_node": 4144, "case_status": 4148,
        "lead_status": 4152, "fill_rate": 4156, "actor_type": 4160, "intent_id": 4164, "sentiment": 4168,
        "confidence": 4172, "spin": 4176, "event_id": 4192, "organization_hash": 4208, "semantic_dimensions": 4216,
        "flags": 4218, "reserved": 4220,
    }  # fmt: skip


def test_the_header_has_the_size_and_the_offsets_of_the_specification() -> None:
    assert HEADER.itemsize == 64
    assert [HEADER.fields[name][1] for name in HEADER.names] == [0, 8, 12, 16, 24, 32, 40, 48, 56]


def test_struct_and_numpy_read_the_same_values() -> None:
    values = [
        *range(1024),
        1,
        2,
        3,
        4,
        -5,
        6,
        7,
        -8,
        9,
        10.5,
        11,
        12,
        13,
        14,
        1,
        0,
        0,
        0,
        bytes(range(16)),
        15,
        16,
        17,
        18,
    ]
    frame = np.frombuffer(struct.pack("<QQ", 2, 0) + PAYLOAD.pack(*values), FRAME)[0]
    assert frame["semantic"].tolist() == list(range(1024))
    assert frame["timestamp_us"] == -5 and frame["case_status"] == -8 and frame["fill_rate"] == np.float32(10.5)
    assert bytes(frame["event_id"]) == bytes(range(16))
    assert (frame["semantic_dimensions"], frame["flags"], frame["reserved"]) == (16, 17, 18)
