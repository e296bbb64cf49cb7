"""Rule engines beside the index of triggers: `rules.py zen|clips list|match TRIGGERS EVENTS SECONDS`.

Prints what `trigger-bench` prints for the same files. Events are parsed from bytes by Python's own json, because both
engines take values; each has all triggers of the usual mix as one decision table, or as a rule each.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, Protocol

FIELDS = ("region", "agent", "amount", "path", "currency")


class Engine(Protocol):
    def match(self, values: dict[str, Any]) -> list[int]:
        """The numbers of the triggers that match."""


class Zen:
    """GoRules' ZEN: a decision table that collects every row which fits."""

    def __init__(self, triggers: list[dict[str, Any]]) -> None:
        import zen

        fields = ("type", *FIELDS)
        rules = []
        for number, trigger in enumerate(triggers):
            rule = dict.fromkeys(fields, "") | {"_id": str(number), "number": str(number)}
            rule["type"] = json.dumps(trigger["event_types"][0])
            for part in trigger["condition"]["all"]:
                rule[part["field"]] = self.cell(part["operator"], part["value"])
            rules.append(rule)
        table = {
            "hitPolicy": "collect",
            "inputs": [{"id": field, "name": field, "field": field} for field in fields],
            "outputs": [{"id": "number", "name": "number", "field": "number"}],
            "rules": rules,
        }
        kinds = {"in": ("inputNode", None), "table": ("decisionTableNode", table), "out": ("outputNode", None)}
        nodes = [
            {"id": name, "name": name, "type": kind, "position": {"x": 0, "y": 0}}
            | ({"content": content} if content else {})
            for name, (kind, content) in kinds.items()
        ]
        edges = [
            {"id": f"{source}-{target}", "type": "edge", "sourceId": source, "targetId": target}
            for source, target in (("in", "table"), ("table", "out"))
        ]
        self.decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))

    @staticmethod
    def cell(operator: str, value: object) -> str:
        text = json.dumps(value)
        return {"eq": text, "gt": f"> {text}", "starts_with": f"startsWith($, {text})"}[operator]

    def match(self, values: dict[str, Any]) -> list[int]:
        return [row["number"] for row in self.decision.evaluate(values)["result"]]


class Clips:
    """CLIPS: a fact for the event, a rule for each trigger, which notes its number."""

    def __init__(self, triggers: list[dict[str, Any]]) -> None:
        import clips

        self.found: list[int] = []
        self.environment = clips.Environment()
        self.environment.define_function(self.found.append, "note")
        slots = " ".join(f"(slot {field})" for field in ("type", *FIELDS))
        self.environment.build(f"(deftemplate event {slots})")
        for number, trigger in enumerate(triggers):
            parts = [f"(type {json.dumps(trigger['event_types'][0])})"]
            parts += [self.pattern(**part) for part in trigger["condition"]["all"]]
            self.environment.build(f"(defrule r{number} (event {' '.join(parts)}) => (note {number}))")
        self.template = self.environment.find_template("event")

    @staticmethod
    def pattern(field: str, operator: str, value: object) -> str:
        text = json.dumps(value)
        test = {"eq": text, "gt": f"?v&:(> ?v {text})", "starts_with": f"?v&:(eq 1 (str-index {text} ?v))"}
        return f"({field} {test[operator]})"

    def match(self, values: dict[str, Any]) -> list[int]:
        self.found.clear()
        fact = self.template.assert_fact(**values)
        self.environment.run()
        fact.retract()
        return list(self.found)


def lines(path: str) -> list[bytes]:
    return Path(path).read_bytes().splitlines()


def values(line: bytes) -> dict[str, Any]:
    event = json.loads(line)
    return {"type": event["type"]} | {field: event["data"][field] for field in FIELDS}


def main() -> None:
    engine_name, mode, triggers, events, seconds = sys.argv[1:]
    engine: Engine = {"zen": Zen, "clips": Clips}[engine_name]([json.loads(line) for line in lines(triggers)])
    bodies = lines(events)
    if mode == "list":
        for body in bodies:
            print(*sorted(engine.match(values(body))))
        return
    # Processor time, as trigger-bench counts it; of the whole process, in case an engine has threads.
    count = found = 0
    start = time.process_time()
    while (spent := time.process_time() - start) < float(seconds):
        for _ in range(16):
            found += len(engine.match(values(bodies[count % len(bodies)])))
            count += 1
    print(json.dumps({"events": count, "seconds": spent, "found": found}))


if __name__ == "__main__":
    main()
