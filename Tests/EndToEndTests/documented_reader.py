"""A reader of the ring that knows only docs/frame-format.md: its tables give offsets, types and magic numbers.

It is slow and plain on purpose. What it can't read, nobody can who has nothing but that page.
"""

import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "frame-format.md").read_text()
CODES = {"u64": "Q", "u32": "I", "u16": "H", "u8": "B", "i64": "q", "i32": "i", "i8": "b", "f32": "f"}

Fields = dict[str, tuple[int, struct.Struct]]


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no section {title}"
    return found[1]


def table(title: str) -> Fields:
    """The rows `| offset | type | field | …` of a section."""
    fields: Fields = {}
    for offset, kind, count, name in re.findall(r"^\| (\d+) \| (\w+?)(?:\[(\d+)\])? \| (\w+) \|", section(title), re.M):
        fields[name] = (int(offset), struct.Struct(f"<{count}{CODES[kind]}"))
    return fields


def magic(text: str) -> int:
    found = re.search(r"`(0x[0-9A-Fa-f]+)`", text)
    assert found
    return int(found[1], 16)


HEADER, FULL = table("Header"), table("Frame")
MOVED = re.search(r"from (\d+) to (\d+) above, each ([\d,]+) bytes earlier", section("The compact ring"))
assert MOVED
COMPACT = table("The compact ring") | {
    name: (offset - int(MOVED[3].replace(",", "")), kind)
    for name, (offset, kind) in FULL.items()
    if int(MOVED[1]) <= offset <= int(MOVED[2])
}
LAYOUTS = {magic(section("Header")): (4224, FULL), magic(section("The compact ring")): (1152, COMPACT)}


class DocumentedReader:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.frame_size, self.fields = LAYOUTS[self.header("magic")]
        assert self.header("version") == 1 and self.header("frame_size") == self.frame_size
        self.capacity = self.header("capacity")
        assert len(self.memory) == 64 + self.capacity * self.frame_size
        self.position = self.header("tail")
        self.lost = 0

    def header(self, field: str) -> int:
        offset, kind = HEADER[field]
        return int(kind.unpack_from(self.memory, offset)[0])

    def frames(self) -> Iterator[dict[str, Any]]:
        """Those that can be read now, by the six steps of the page."""
        while self.position < (head := self.header("head")):
            oldest = max(0, head - self.capacity)
            if self.position < oldest:
                self.lost += oldest - self.position
                self.position = oldest
            frame_id, self.position = self.position, self.position + 1
            at = 64 + frame_id % self.capacity * self.frame_size
            (before,) = struct.unpack_from("<Q", self.memory, at)
            copy = self.memory[at : at + self.frame_size]
            (after,) = struct.unpack_from("<Q", self.memory, at)
            values = {name: kind.unpack_from(copy, offset) for name, (offset, kind) in self.fields.items()}
            if before != 2 * frame_id + 2 or after != before or values["frame_id"] != (frame_id,):
                self.lost += 1
                continue
            frame = {name: value if len(value) > 1 else value[0] for name, value in values.items()}
            if "scale" in frame:
                frame["semantic"] = tuple(value * frame["scale"] for value in frame["semantic"])
            yield frame
