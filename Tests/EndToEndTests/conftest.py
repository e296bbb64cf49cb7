import threading
from collections.abc import Iterator

import pytest
from language_models import real_model_python
from receivers import TelegramFake, WebhookReceiver
from stack import Stack


def pytest_collection_finish(session: pytest.Session) -> None:
    """A model of 200 MB is fetched while other tests run; the test that needs it waits for the rest."""
    if any("real_model" in item.name for item in session.items):
        threading.Thread(target=real_model_python, daemon=True).start()


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
