import re
import struct
from pathlib import Path

import numpy as np
from collider import COMPACT_FRAME, FRAME, HEADER, NUMBERS, FrameFlags
from ring_writer import PAYLOAD

SOURCES = Path(__file__).resolve().parent.parent.parent.parent / "Sources" / "C"
NUMPY_KINDS = {
    "float": "<f4", "int8_t": "i1", "uint8_t": "u1", "uint16_t": "<u2", "int32_t": "<i4", "uint32_t": "<u4",
    "int64_t": "<i8", "uint64_t": "<u8",
}  # fmt: skip


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


def test_the_frame_is_that_of_the_sources_in_c() -> None:
    """Whose compiler holds every offset against what stands there."""
    text = (SOURCES / "CFrameLayout" / "include" / "CFrameLayout.h").read_text()
    offsets: dict[str, dict[str, int]] = {"cfl_header": {}, "cfl_frame": {}, "cfl_compact_frame": {}}
    for structure, field, place in re.findall(r"^CFL_AT\((\w+), ([\w.]+), (\d+)\);", text, re.MULTILINE):
        offsets[structure][field.rpartition(".")[2]] = int(place)
    for field, place in re.findall(r"^CFL_IN_BOTH\(numbers\.(\w+), (\d+)\);", text, re.MULTILINE):
        offsets["cfl_frame"][field] = int(place)
        offsets["cfl_compact_frame"][field] = int(place) - 3072
    sizes = {name: int(value) for name, value in re.findall(r"CFL_(\w+)_SIZE = (\d+)", text)}
    assert sizes == {"HEADER": HEADER.itemsize, "FRAME": FRAME.itemsize, "COMPACT": COMPACT_FRAME.itemsize}
    # In a full frame nothing is scaled, and the place is kept free.
    offsets["cfl_frame"]["reserved"] = offsets["cfl_frame"].pop("scale")
    for structure, dtype in (("cfl_header", HEADER), ("cfl_frame", FRAME), ("cfl_compact_frame", COMPACT_FRAME)):
        assert {name: dtype.fields[name][1] for name in dtype.names} == offsets[structure]
    structures = re.findall(r"^typedef struct (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    members = {name: re.findall(r"^    (\w+_t|float) (\w+)(?:\[(\w+)\])?;", body, re.M) for name, body in structures}
    for structure, dtype in (
        ("cfl_header", HEADER), ("cfl_slot", FRAME), ("cfl_slot", COMPACT_FRAME), ("cfl_numbers", NUMBERS),
        ("cfl_frame", FRAME), ("cfl_compact_frame", COMPACT_FRAME),
    ):  # fmt: skip
        assert members[structure]
        for kind, name, count in members[structure]:
            length = 1024 if count == "CFL_DIMENSIONS" else int(count or 0)
            assert dtype[name].base == NUMPY_KINDS[kind] and dtype[name].shape == ((length,) if count else ()), name


def test_flags_have_the_bits_of_the_sources_in_c() -> None:
    text = (SOURCES / "CFrameLayout" / "include" / "CFrameLayout.h").read_text()
    assert {flag.name: flag.value for flag in FrameFlags} == {
        name: int(bit) for name, bit in re.findall(r"CFL_FLAG_(\w+) = (\d+)", text)
    }


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
