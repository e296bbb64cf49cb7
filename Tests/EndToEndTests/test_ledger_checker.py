"""The checker of ledgers, tested: it finds nothing where nothing is wrong, and each planted fault where it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ledger import Ledger, Record, check, read


def sound() -> list[Record]:
    """Two organizations in two parts; one event of each was never acknowledged, and of those one is stored."""
    records: list[Record] = []
    for organization, part in (("one", 3), ("two", 9)):
        for number in range(1, 6):
            key, identifier = f"w-{number}", f"{organization}-{number}"
            records.append({"record": "attempted", "organization": organization, "key": key, "at": 10.0 * number})
            if number == 5 and organization == "one":
                continue
            if number < 5:
                answer = {"organization": organization, "key": key, "id": identifier, "at": 10.0 * number + 5}
                records.append({"record": "acknowledged", **answer})
            place = {"part": part, "position": number, "id": identifier}
            records.append({"record": "stored", "organization": organization, "key": key, **place})
            records.append({"record": "seen", **place})
        records.append({"record": "head", "part": part, "position": 4 if organization == "one" else 5})
    return records


def find(records: list[Record], kind: str, **values: object) -> Record:
    """The first record of a kind with those values."""
    return next(r for r in records if r["record"] == kind and all(r[name] == value for name, value in values.items()))


def lose(records: list[Record]) -> None:
    records.remove(find(records, "stored", id="one-4"))
    records.remove(find(records, "seen", id="one-4"))
    find(records, "head", part=3)["position"] = 3


def store_under_another_id(records: list[Record]) -> None:
    find(records, "stored", id="one-2")["id"] = find(records, "seen", id="one-2")["id"] = "other"


def store_twice(records: list[Record]) -> None:
    again = {"part": 3, "position": 5, "id": "one-again"}
    records.append({"record": "stored", "organization": "one", "key": "w-2", **again})
    records.append({"record": "seen", **again})
    find(records, "head", part=3)["position"] = 5


def give_an_id_twice(records: list[Record]) -> None:
    for record in records:
        if record.get("id") == "one-2":
            record["id"] = "one-3"


def store_what_nobody_sent(records: list[Record]) -> None:
    find(records, "stored", id="two-5")["key"] = "w-6"


def store_for_another_organization(records: list[Record]) -> None:
    find(records, "stored", id="two-5")["organization"] = "three"


def leave_a_gap(records: list[Record]) -> None:
    find(records, "stored", id="two-5")["position"] = find(records, "seen", id="two-5")["position"] = 6
    find(records, "head", part=9)["position"] = 6


def forget_the_head(records: list[Record]) -> None:
    find(records, "head", part=9)["position"] = 4


def give_a_position_twice(records: list[Record]) -> None:
    find(records, "stored", id="two-5")["position"] = 4


def commit_out_of_order(records: list[Record]) -> None:
    for kind in ("stored", "seen"):
        one, other = find(records, kind, id="two-2"), find(records, kind, id="two-3")
        one["id"], other["id"] = other["id"], one["id"]
        if kind == "stored":
            one["key"], other["key"] = other["key"], one["key"]


def skip_in_the_follower(records: list[Record]) -> None:
    records.remove(find(records, "seen", id="two-3"))


def see_twice(records: list[Record]) -> None:
    records.append(dict(find(records, "seen", id="two-3")))


def appear_behind(records: list[Record]) -> None:
    late = find(records, "seen", id="two-3")
    records.remove(late)
    records.append(late)


def test_a_sound_ledger_is_clean(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(*sound())
    ledger.close()
    verdict = check(read(ledger.path))
    assert verdict.is_clean, str(verdict)
    assert (verdict.attempted, verdict.acknowledged, verdict.stored) == (10, 8, 9)


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (lose, {"lost"}),
        (store_under_another_id, {"lost"}),
        (store_twice, {"repeated"}),
        (give_an_id_twice, {"repeated"}),
        (store_what_nobody_sent, {"unexpected"}),
        (store_for_another_organization, {"unexpected"}),
        (leave_a_gap, {"gaps", "missed"}),
        (forget_the_head, {"gaps"}),
        (give_a_position_twice, {"gaps", "missed"}),
        (commit_out_of_order, {"disordered"}),
        (skip_in_the_follower, {"missed"}),
        (see_twice, {"missed"}),
        (appear_behind, {"missed"}),
    ],
)
def test_a_planted_fault_is_found(fault: Callable[[list[Record]], None], kinds: set[str]) -> None:
    records = sound()
    fault(records)
    verdict = check(records)
    found = {
        kind for kind in ("lost", "unexpected", "repeated", "gaps", "disordered", "missed") if getattr(verdict, kind)
    }
    # A lost event leaves later ones at their places in the log, so that one fault may show in several ways.
    assert kinds <= found, str(verdict)
    assert not verdict.is_clean
