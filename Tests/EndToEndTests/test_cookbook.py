"""The examples of docs/triggers.md, each run as it is written there."""

import itertools
import re
import shlex
from pathlib import Path

import pytest
from stack import ROOT, Stack

COOKBOOK = (ROOT / "docs" / "triggers.md").read_text().split("\n## Cookbook\n")[1].split("\n## ")[0]
EXAMPLES = {part.splitlines()[0]: part for part in COOKBOOK.split("\n### ")[1:]}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_cookbook_has_its_examples() -> None:
    assert len(EXAMPLES) == 8


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_does_what_it_says(title: str, stack: Stack) -> None:
    (trigger,), (events,), (session,) = (blocks(EXAMPLES[title], name) for name in ("yaml", "json", "console"))
    command, _, printed = session.partition("\n")
    arguments = shlex.split(command.removeprefix("$ collider "))
    files = dict(itertools.pairwise(arguments))
    (stack.folder / Path(files["-f"]).name).write_text(trigger)
    (stack.folder / Path(files["--events"]).name).write_text(events)
    assert stack.collider(*arguments).stdout == printed
    applied = stack.collider("triggers", "apply", "-f", files["-f"]).stdout
    assert applied.startswith("created")
