from collections.abc import Iterator

import pytest
from receivers import TelegramFake, WebhookReceiver
from stack import Stack


@pytest.fixture(scope="module")
def telegram() -> Iterator[TelegramFake]:
    fake = TelegramFake()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def webhook() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def stack(telegram: TelegramFake) -> Iterator[Stack]:
    stack = Stack(telegram_url=telegram.url)
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()
