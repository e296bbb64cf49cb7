"""Versions, files, tests, shadows and backtests of triggers, as a person and a program use them."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from stack import PROGRAMS, Stack, wait_until

YAML = """\
name: {name}
event_types: [Payment]
condition:
  field: data.amount
  operator: gt
  value: {value}
"""


def write(folder: Path, name: str, value: int, file: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / (file or f"{name}.yaml")).write_text(YAML.format(name=name, value=value))


def named(stack: Stack, name: str) -> dict[str, Any]:
    return next(trigger for trigger in stack.pages("/api/v1/triggers") if trigger["name"] == name)


def send(stack: Stack, events: list[dict[str, Any]]) -> list[str]:
    ids = []
    for start in range(0, len(events), 10_000):
        status, answer, _ = stack.request("POST", "/api/v1/events", events[start : start + 10_000])
        assert status == 200 and answer["rejected"] == 0, answer
        ids += [result["id"] for result in answer["results"]]
    return ids


def test_a_folder_is_applied_shown_before_and_pruned_after(stack: Stack) -> None:
    folder = stack.folder / "triggers"
    write(folder, "one", 1)
    write(folder / "inner", "two", 2)
    by_hand = {"name": "by hand", "event_types": ["Payment"], "condition": {"all": []}}
    assert stack.request("POST", "/api/v1/triggers", by_hand)[0] == 201

    dry = stack.collider("triggers", "apply", "-f", str(folder), "--dry-run").stdout
    assert "would create   one" in dry and "would create   two" in dry and "\x1b" not in dry
    assert stack.get("/api/v1/triggers")["data"][0]["name"] == "by hand"

    applied = stack.collider("triggers", "apply", "-f", str(folder)).stdout
    assert "created    one" in applied and "created    two" in applied
    assert "unchanged  one" in stack.collider("triggers", "apply", "-f", str(folder)).stdout

    write(folder, "one", 100)
    (folder / "inner" / "two.yaml").unlink()
    dry = stack.collider("triggers", "apply", "-f", str(folder), "--dry-run", "--prune").stdout
    assert "would replace  one" in dry and "/condition/value" in dry and "- 1" in dry and "+ 100" in dry
    assert "would delete   two" in dry and "by hand" not in dry
    assert named(stack, "one")["condition"]["value"] == 1 and named(stack, "two")

    unasked = stack.collider("triggers", "apply", "-f", str(folder), "--prune", check=False)
    assert unasked.returncode != 0 and "--yes" in unasked.stderr and "two" in unasked.stderr
    assert named(stack, "one")["condition"]["value"] == 1

    pruned = stack.collider("triggers", "apply", "-f", str(folder), "--prune", "--yes").stdout
    assert "replaced   one" in pruned and "deleted    two" in pruned
    names = {trigger["name"] for trigger in stack.pages("/api/v1/triggers")}
    assert {"one", "by hand"} <= names and "two" not in names


def test_a_bad_file_changes_nothing_and_a_bad_trigger_only_itself(stack: Stack) -> None:
    folder = stack.folder / "bad"
    write(folder, "fine", 1)
    (folder / "broken.yaml").write_text("name: [unclosed")
    failed = stack.collider("triggers", "apply", "-f", str(folder), check=False)
    assert failed.returncode != 0 and "broken.yaml" in failed.stderr
    assert all(trigger["name"] != "fine" for trigger in stack.pages("/api/v1/triggers"))

    (folder / "broken.yaml").write_text("name: wrong\ncondition: {field: data.x, operator: near, value: 1}")
    failed = stack.collider("triggers", "apply", "-f", str(folder), "--prune", "--yes", check=False)
    assert failed.returncode != 0
    assert "broken.yaml: wrong" in failed.stderr and "/condition/operator" in failed.stderr
    assert named(stack, "fine")


def test_versions_differences_and_the_way_back(stack: Stack) -> None:
    folder = stack.folder / "versions"
    for value in (10, 20):
        write(folder, "versioned", value)
        stack.collider("triggers", "apply", "-f", str(folder))
    listed = stack.collider("triggers", "versions", "versioned").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["2", "1"] and "live" in listed[1]
    assert json.loads(stack.collider("triggers", "versions", "versioned", "1").stdout)["version"] == 1
    diff = stack.collider("triggers", "diff", "versioned", "1").stdout
    assert diff == "/condition/value\n  - 10\n  + 20\n"
    assert "now 3" in stack.collider("triggers", "rollback", "versioned", "1").stdout
    assert named(stack, "versioned")["condition"]["value"] == 10
    assert "already" in stack.collider("triggers", "rollback", "versioned", "1").stdout
    assert "disabled (version 4)" in stack.collider("triggers", "disable", "versioned").stdout
    assert named(stack, "versioned")["enabled"] is False
    assert "enabled (version 5)" in stack.collider("triggers", "enable", "versioned").stdout


def test_a_trigger_is_tried_and_its_decisions_are_explained(stack: Stack) -> None:
    folder = stack.folder / "tried"
    write(folder, "tried", 100)
    stack.collider("triggers", "apply", "-f", str(folder))
    events = [{"type": "Payment", "data": {"amount": amount}} for amount in (50, 150)]
    lines = "\n".join(json.dumps(event) for event in events)
    tried = stack.collider("triggers", "test", "tried", "--events", "-", stdin=lines).stdout
    assert "1  Payment  does not fire" in tried and "2  Payment  fires" in tried
    assert "data.amount gt 100, is 50" in tried and "1 fired, 0 suppressed" in tried
    drafted = stack.collider("triggers", "test", "-f", str(folder / "tried.yaml"), "--events", "-", stdin=lines)
    assert drafted.stdout == tried

    low, high = send(stack, events)
    wait_until("firing", 20, lambda: stack.get(f"/api/v1/firings?event={high}")["data"])
    why = stack.collider("triggers", "explain", "tried", high).stdout
    assert why.startswith("fired (version 1)") and "✓ data.amount gt 100, is 150" in why
    why_not = stack.collider("triggers", "explain", "tried", low).stdout
    assert why_not.startswith("not_matched (version 1)") and "✗ data.amount gt 100, is 50" in why_not


def test_a_shadow_fires_beside_the_live_version_and_does_nothing(stack: Stack) -> None:
    folder = stack.folder / "shadow"
    write(folder, "shadowed", 100)
    stack.collider("triggers", "apply", "-f", str(folder))
    write(folder, "shadowed", 10)
    stack.collider("triggers", "shadow", "set", "shadowed", "-f", str(folder / "shadowed.yaml"))
    send(stack, [{"type": "Payment", "data": {"amount": amount}} for amount in (5, 50, 500)])
    path = f"/api/v1/triggers/{named(stack, 'shadowed')['id']}"
    wait_until("shadow firing", 20, lambda: len(stack.get(f"{path}/firings?role=shadow")["data"]) == 2)
    differences = stack.get(f"{path}/shadow")["differences"]
    assert (differences["both"], differences["only_live"], differences["only_shadow"]) == (1, 0, 1)
    assert "only shadow  1" in stack.collider("triggers", "shadow", "show", "shadowed").stdout
    stack.collider("triggers", "shadow", "promote", "shadowed")
    assert named(stack, "shadowed")["condition"]["value"] == 10


def test_a_backtest_survives_its_processor_and_can_be_cancelled(stack: Stack) -> None:
    count = 60_000
    send(stack, [{"type": "Old", "data": {"n": n}} for n in range(count)])
    draft = stack.folder / "old.yaml"
    draft.write_text(
        "name: old\nevent_types: [Old]\ncondition: {field: data.n, operator: lt, value: 45000}\n"
        "actions: [{type: rest, config: {url: 'http://127.0.0.1:9/'}}]\n"
    )
    printed = stack.collider("triggers", "backtest", "-f", str(draft), "--from", "1h").stdout
    assert f"45000 fired, 0 suppressed, over {count} events" in printed
    assert "It would have made 45000 rest" in printed and "█" in printed

    trigger = {"name": "old", "event_types": ["Old"], "condition": {"field": "n", "operator": "lt", "value": 45_000}}
    order = {"trigger": trigger, "from": "2020-01-01T00:00:00Z"}

    def begin() -> str:
        order["from"] = stack.get("/api/v1/events?type=Old&order=asc&limit=1")["data"][0]["received_at"]
        status, backtest, _ = stack.request("POST", "/api/v1/triggers/backtest", order)
        assert status == 202, backtest
        path = f"/api/v1/backtests/{backtest['id']}"
        wait_until("progress", 30, lambda: stack.get(path)["progress"] > 0.05)
        return path

    path = begin()
    assert stack.get(path)["status"] == "running"
    os.kill(stack.pid("event-processor"), signal.SIGKILL)
    ended = wait_until("second processor", 90, lambda: (b := stack.get(path))["finished_at"] and b)
    assert ended["status"] == "succeeded" and ended["result"]["complete"] is True
    assert (ended["result"]["fired"], ended["result"]["events"]) == (45_000, count)

    path = begin()
    status, cancelled, _ = stack.request("DELETE", path)
    assert status == 200 and cancelled["status"] == "cancelled", cancelled
    log = stack.home / "logs" / "event-processor.log"
    wait_until("end of the work", 20, lambda: "backtest.lost" in log.read_text())
    assert stack.get(path)["status"] == "cancelled" and "result" not in stack.get(path)

    command = [PROGRAMS / "collider", "triggers", "backtest", "-f", draft, "--from", order["from"]]
    watching = subprocess.Popen(
        command, env=stack.environment, cwd=stack.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )

    def newest() -> Any:
        return stack.get("/api/v1/backtests?limit=1")["data"][0]

    wait_until("watched backtest", 30, lambda: newest()["status"] == "running" and newest()["progress"] > 0.05)
    watching.send_signal(signal.SIGINT)
    _, complaint = watching.communicate(timeout=60)
    assert watching.returncode != 0 and "cancelled" in complaint, complaint
    assert newest()["status"] == "cancelled"


def test_every_trigger_command_has_help_with_an_example(stack: Stack) -> None:
    names = ["list", "get", "apply", "delete", "enable", "disable", "versions", "diff", "rollback", "test", "explain"]
    names += ["backtest", "shadow"]
    for command in [[name] for name in names] + [["shadow", name] for name in ("set", "show", "end", "promote")]:
        assert "EXAMPLE" in stack.collider("triggers", *command, "--help").stdout, command
