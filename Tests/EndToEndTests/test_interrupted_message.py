"""A worker that is killed while it sends a message of several parts: every part arrives, in order."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from receivers import TelegramFake
from stack import Stack, wait_until

PARTS = 4
# So many words of five letters that they fill the parts, each told from all others.
WORDS = [f"w{number:04}" for number in range(4096 // 6 * PARTS - 20)]


class ParcelTelegram(TelegramFake):
    """Can be made to end the worker when a part has come, before it is answered."""

    def __init__(self) -> None:
        self.stack: Stack | None = None
        self.fatal: tuple[str, int] | None = None
        super().__init__()

    def _judge(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        status, answer = super()._judge(path, body)
        if self.stack and self.fatal and len(self.to(self.fatal[0])) == self.fatal[1]:
            self.fatal = None
            os.kill(self.stack.pid("action-workers"), signal.SIGKILL)
        return status, answer


@pytest.fixture(scope="module")
def telegram() -> Iterator[ParcelTelegram]:
    fake = ParcelTelegram()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def stack(telegram: ParcelTelegram) -> Iterator[Stack]:
    stack = Stack(telegram_url=telegram.url)
    # What the killed worker held is free again soon.
    stack.environment["DELIVERY_LEASE_SECONDS"] = "3"
    try:
        stack.up()
        telegram.stack = stack
        yield stack
    finally:
        stack.remove()


def send(stack: Stack, chat: str) -> str:
    """Has the message sent, and returns the id of its delivery."""
    action = {
        "type": "telegram",
        "config": {"bot_token": TelegramFake.TOKEN, "chat_id": chat, "text": "{{data.text}}"},
        "retry": {"schedule": ["100ms"] * 9},
    }
    trigger = {"name": f"long {chat}", "event_types": [f"Long{chat}"], "actions": [action]}
    status, made, _ = stack.request("POST", "/api/v1/triggers", trigger)
    assert status == 201, made
    status, event, _ = stack.request(
        "POST", "/api/v1/events", {"type": f"Long{chat}", "data": {"text": " ".join(WORDS)}}
    )
    assert status == 201, event
    path = f"/api/v1/deliveries?event_id={event['id']}"
    return str(wait_until("delivery", 30, lambda: stack.get(path)["data"])[0]["id"])


def arrived(stack: Stack, telegram: TelegramFake, chat: str, delivery: str) -> tuple[list[str], Any]:
    """The texts in the order of their arrival, and the delivery, when it has succeeded."""

    def succeeded() -> Any:
        found = stack.get(f"/api/v1/deliveries/{delivery}")
        return found if found["status"] == "succeeded" else None

    done = wait_until("end of the delivery", 60, succeeded)
    return [message["text"] for message in telegram.to(chat)], done


def check(texts: list[str], repeated: Counter[int]) -> None:
    """Every part is there, in order, and only those repeated that may be."""
    parts = sorted(set(texts))
    assert " ".join(parts).split() == WORDS, "a word is lost, or stands in two parts"
    assert len(parts) == PARTS
    numbers = [parts.index(text) for text in texts]
    assert numbers == sorted(numbers), f"out of order: {numbers}"
    assert Counter(numbers) == Counter(range(PARTS)) + repeated


def test_killed_between_two_parts_it_goes_on_with_the_next(stack: Stack, telegram: ParcelTelegram) -> None:
    delivery = send(stack, "100")
    path = f"/api/v1/deliveries/{delivery}"
    # A chat takes one message a second: after a part has been noted there is time before the next.
    wait_until("two parts that are noted", 30, lambda: stack.get(path).get("parts_sent") == 2)
    killed = stack.pid("action-workers")
    os.kill(killed, signal.SIGKILL)
    seen = len(telegram.to("100"))
    texts, done = arrived(stack, telegram, "100", delivery)
    assert stack.pid("action-workers") != killed and done["attempt"] == 2
    assert seen == 2, "it was killed too late for this test"
    check(texts, Counter())


def test_killed_before_a_part_is_answered_it_sends_that_one_again(stack: Stack, telegram: ParcelTelegram) -> None:
    telegram.fatal = ("200", 3)
    delivery = send(stack, "200")
    texts, done = arrived(stack, telegram, "200", delivery)
    assert telegram.fatal is None and done["attempt"] == 2
    check(texts, Counter({2: 1}))
