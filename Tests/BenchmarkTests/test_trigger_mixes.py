"""The generator of the benchmark of triggers: another mix would be another measurement."""

import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks"))

from suites.triggers import mixes  # noqa: E402


def test_events_have_their_length_and_vary(tmp_path: Path) -> None:
    lines = mixes.write_events(tmp_path, mixes.World()).read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert len(events) == mixes.EVENTS
    assert {len(json.dumps(event["data"], separators=(",", ":"))) for event in events} == {mixes.EVENT_BYTES}
    assert len({event["type"] for event in events}) == mixes.World().types


def test_the_usual_mix_has_its_shares() -> None:
    chance = random.Random(7)
    triggers = [mixes.usual(mixes.World(), chance) for _ in range(20_000)]
    fields = [tuple(sorted(part["field"] for part in trigger["condition"]["all"])) for trigger in triggers]
    shares = {names: count / len(triggers) for names, count in Counter(fields).items()}
    expected = {("region",): 0.4, ("agent",): 0.2, ("amount", "region"): 0.3, ("currency", "path"): 0.1}
    assert shares.keys() == expected.keys()
    for names, share in expected.items():
        assert shares[names] == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("name", mixes.MIXES)
def test_a_mix_is_the_same_in_every_run(name: str, tmp_path: Path) -> None:
    first = mixes.write(tmp_path, name, 50, mixes.World()).read_text()
    assert mixes.write(tmp_path, name, 50, mixes.World()).read_text() == first
    assert len(first.splitlines()) == 50
