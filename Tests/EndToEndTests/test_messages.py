"""Messages to people: Telegram, Slack and mail, through the whole of Collider, with peers that refuse what is wrong."""

import uuid
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from bot_api import plain
from mail_server import PASSWORD, USERNAME, MailServer
from receivers import SlackFake, TelegramFake
from stack import Stack, wait_until

NASTY = "_*[]()~`>#+-=|{}.!\\ <b>&amp;</b> \"quoted\" 'too' ünï 💶 ```x``` ||y|| {{data.secret}} \\*"
FAST = {"schedule": ["100ms", "100ms", "100ms", "100ms"]}
Deliver = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackFake]:
    fake = SlackFake()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="module")
def mail(certificates: Path) -> Iterator[MailServer]:
    server = MailServer(certificates)
    yield server
    server.close()


@pytest.fixture(scope="module")
def deliver(stack: Stack) -> Deliver:
    """Makes a trigger of one action, fires it by events, and returns the last delivery when it has come to its end."""

    def run(
        action: dict[str, Any], *events: dict[str, Any], until: tuple[str, ...] = ("succeeded", "dead")
    ) -> dict[str, Any]:
        kind = f"Message{uuid.uuid4().hex}"
        action = {"retry": FAST} | action
        status, made, _ = stack.request(
            "POST", "/api/v1/triggers", {"name": kind, "event_types": [kind], "actions": [action]}
        )
        assert status == 201, made
        status, answer, _ = stack.request("POST", "/api/v1/events", [{"type": kind, "data": data} for data in events])
        assert status == 200 and answer["accepted"] == len(events), answer

        def ended() -> list[dict[str, Any]] | None:
            found = stack.get(f"/api/v1/deliveries?trigger_id={made['id']}")["data"]
            done = len(found) == len(events) and all(delivery["status"] in until for delivery in found)
            return found if done else None

        found = wait_until("end of the deliveries", 60, ended)
        whole = [stack.get(f"/api/v1/deliveries/{delivery['id']}") for delivery in reversed(found)]
        return whole[-1] | {"all": whole}

    return run


def telegram_action(chat: str, text: str, **members: Any) -> dict[str, Any]:
    config = {"bot_token": TelegramFake.TOKEN, "chat_id": chat, "text": text} | members
    return {"type": "telegram", "config": config}


def email_action(server: MailServer, to: list[str], **members: Any) -> dict[str, Any]:
    config = {
        "host": "localhost",
        "port": server.port,
        "tls": "starttls",
        "username": USERNAME,
        "password": PASSWORD,
        "ca_pem": server.certificate,
        "from": "Zoë's Shop <shop@example.com>",
        "to": to,
        "subject": "{{data.subject}}",
        "text": "{{data.text}}",
    }
    return {"type": "email", "config": config | members}


@pytest.mark.parametrize("mode", ["HTML", "MarkdownV2", None])
def test_telegram_reads_every_value_as_it_was(deliver: Deliver, telegram: TelegramFake, mode: str | None) -> None:
    markup = {"HTML": "<b>{{data.x}}</b>", "MarkdownV2": "*{{data.x}}*", None: "{{data.x}}"}[mode]
    members = {"parse_mode": mode} if mode else {}
    done = deliver(telegram_action(f"10{mode}", markup, disable_notification=True, **members), {"x": NASTY})
    assert done["status"] == "succeeded", done
    message = telegram.to(f"10{mode}")[0]
    assert plain(message["text"], mode) == NASTY
    assert message["disable_notification"] is True


def test_a_photo_has_its_caption_and_its_buttons(deliver: Deliver, telegram: TelegramFake) -> None:
    markup = {
        "inline_keyboard": [
            [
                {"text": "Open {{data.n}}", "url": "https://example.com/{{data.n}}?q={{data.x}}"},
                {"text": "{{data.x}}", "callback_data": "{{data.n}}"},
            ]
        ]
    }
    action = telegram_action(
        "20", "<i>{{data.x}}</i>", photo="{{data.url}}", parse_mode="HTML", reply_markup=markup, message_thread_id=7
    )
    done = deliver(action, {"x": "a & <b>", "n": 5, "url": "https://example.com/p.png?a=1&b=2"})
    assert done["status"] == "succeeded", done
    message = telegram.to("20")[0]
    assert message["photo"] == "https://example.com/p.png?a=1&b=2" and message["caption"] == "<i>a &amp; &lt;b&gt;</i>"
    assert message["reply_markup"]["inline_keyboard"][0] == [
        {"text": "Open 5", "url": "https://example.com/5?q=a%20%26%20%3Cb%3E"},
        {"text": "a & <b>", "callback_data": "5"},
    ]
    assert message["message_thread_id"] == 7


def test_a_long_text_arrives_in_parts_each_once_although_one_fails(deliver: Deliver, telegram: TelegramFake) -> None:
    words = [f"word{number}" for number in range(2_000)]
    telegram.fail(2, 502)
    done = deliver(telegram_action("30", "<b>{{data.x}}</b>", parse_mode="HTML"), {"x": " ".join(words)})
    assert done["status"] == "succeeded" and done["attempt"] == 2 and done["parts_sent"] == 4, done
    messages = telegram.to("30")
    assert len(messages) == 5
    assert " ".join(plain(message["text"], "HTML") for message in messages).split() == words
    assert done["attempts"][0]["status_code"] == 502
    assert done["attempts"][0]["request"].startswith("part 3 of 5\n")
    assert "sendMessage" in done["attempts"][1]["request"]


def test_a_chat_gets_one_message_a_second_and_no_attempt_is_wasted(deliver: Deliver, telegram: TelegramFake) -> None:
    before = len(telegram.refused)
    done = deliver(telegram_action("40", "n{{data.n}}"), *({"n": number} for number in range(6)))
    assert [delivery["attempt"] for delivery in done["all"]] == [1] * 6
    assert sorted(message["text"] for message in telegram.to("40")) == [f"n{number}" for number in range(6)]
    assert telegram.refused[before:] == []


def test_telegram_is_obeyed_when_it_says_how_long_to_wait(deliver: Deliver, telegram: TelegramFake) -> None:
    telegram.fail(0, 429, retry_after=3)
    done = deliver(telegram_action("50", "x"), {})
    assert done["status"] == "succeeded" and done["attempt"] == 2
    assert "retry_after" in done["attempts"][0]["response"]
    assert "3 s" in done["attempts"][0]["next_attempt_reason"]


@pytest.mark.parametrize(
    ("chat", "text", "words"),
    [
        ("404", "x", "Bad Request: chat not found"),
        ("403", "x", "Forbidden: bot was blocked by the user"),
        ("60", "<b>{{data.x}}", "Bad Request: can't parse entities: Can't find end tag"),
    ],
)
def test_a_permanent_error_is_dead_at_once_in_telegrams_words(
    deliver: Deliver, chat: str, text: str, words: str
) -> None:
    done = deliver(telegram_action(chat, text, parse_mode="HTML"), {"x": 1})
    assert done["status"] == "dead" and done["attempt"] == 1
    assert done["last_error"].startswith(words)


def test_a_token_that_is_none_any_more_is_dead_and_never_shown(stack: Stack, deliver: Deliver) -> None:
    token = "987654321:AAE-a_token_that_was_revoked"
    done = deliver(telegram_action("70", "x", bot_token=token), {})
    assert done["status"] == "dead" and done["last_error"] == "Unauthorized"
    assert "a_token_that_was_revoked" not in str(done)
    for log in (stack.home / "logs").glob("*.log"):
        assert "a_token_that_was_revoked" not in log.read_text(errors="replace")
        assert TelegramFake.TOKEN not in log.read_text(errors="replace")


def test_slack_gets_the_message_and_nobody_is_called_by_a_value(deliver: Deliver, slack: SlackFake) -> None:
    config = {
        "webhook_url": slack.url + SlackFake.PATH,
        "text": "*New* {{data.x}}",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "{{data.x}}"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "{{#data.items}}• {{.}}\n{{/data.items}}"}},
        ],
    }
    done = deliver({"type": "slack", "config": config}, {"x": "<!channel> & <@U1>", "items": ["a", "<b>"]})
    assert done["status"] == "succeeded", done
    message = slack.messages[-1]
    assert message["text"] == "*New* &lt;!channel&gt; &amp; &lt;@U1&gt;"
    assert message["blocks"][0]["text"]["text"] == "<!channel> & <@U1>"
    assert message["blocks"][1]["text"]["text"] == "• a\n• &lt;b&gt;\n"
    assert "secret-of-the-end-to-end-tests" not in str(done)


@pytest.mark.parametrize(("path", "words"), [("/archived", "410: channel_is_archived"), ("/x", "404: no_service")])
def test_what_slack_refuses_is_dead_in_its_words(deliver: Deliver, slack: SlackFake, path: str, words: str) -> None:
    config = {"webhook_url": slack.url + path, "text": "x"}
    done = deliver({"type": "slack", "config": config}, {})
    assert (done["status"], done["attempt"], done["last_error"]) == ("dead", 1, f"Slack answered {words}")


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mail_arrives_over_tls_with_its_login_and_says_what_was_meant(deliver: Deliver, mail: MailServer) -> None:
    before = len(mail.mails)
    action = email_action(mail, ["{{data.to}}", "Ben <ben@example.org>"], html="<p>{{data.text}}</p>")
    text = f"{NASTY}\n.\nFrom here\n" + "long " * 300
    done = deliver(action, {"to": "ada@example.org", "subject": NASTY + "\r\nBcc: evil@example.org", "text": text})
    assert done["status"] == "succeeded", done
    recipients, message = mail.mails[before]
    assert len(mail.mails) == before + 1 and recipients == ["ada@example.org", "ben@example.org"]
    assert message["Subject"] == NASTY + "  Bcc: evil@example.org" and message["Bcc"] is None
    assert message["From"].addresses[0].display_name == "Zoë's Shop"
    assert message["Message-ID"] == f"<{done['id']}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated" and message["Date"].datetime is not None
    assert body(message, "plain").rstrip("\n") == text
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in body(message, "html")
    assert not message.defects and mail.logins[-1] == "PLAIN"
    assert PASSWORD not in str(done)


def test_a_mail_server_that_speaks_tls_from_the_start(deliver: Deliver, certificates: Path) -> None:
    server = MailServer(certificates, implicit=True)
    try:
        action = email_action(server, ["ada@example.org"], tls="implicit")
        done = deliver(action, {"subject": "s", "text": "t"})
        assert done["status"] == "succeeded" and len(server.mails) == 1, done
    finally:
        server.close()


def test_a_mail_server_decides_what_is_tried_again(deliver: Deliver, mail: MailServer) -> None:
    before = len(mail.mails)
    grey = deliver(email_action(mail, [f"grey@{uuid.uuid4().hex}.example"]), {"subject": "s", "text": "t"})
    assert grey["status"] == "succeeded" and grey["attempt"] == 2
    assert grey["attempts"][0]["status_code"] == 450 and "greylisted" in grey["attempts"][0]["response"]
    assert [message["Message-ID"] for _, message in mail.mails[before:]] == [f"<{grey['id']}@example.com>"]
    nobody = deliver(email_action(mail, ["ada@example.org", "nobody@example.org"]), {"subject": "s", "text": "t"})
    assert nobody["status"] == "dead" and nobody["attempt"] == 1
    assert nobody["last_error"] == "the mail server answered 550: 550 5.1.1 no such user here"
    login = deliver(email_action(mail, ["ada@example.org"], password="wrong-password"), {"subject": "s", "text": "t"})
    assert login["status"] == "dead" and login["last_error"].startswith("the mail server answered 535")
    assert "wrong-password" not in str(login)
    assert len(mail.mails) == before + 1


@pytest.mark.parametrize("members", [{"ca_pem": None}, {"host": "127.0.0.1"}])
def test_no_mail_and_no_password_goes_to_a_server_that_is_not_trusted(
    deliver: Deliver, mail: MailServer, members: dict[str, Any]
) -> None:
    mails, logins = len(mail.mails), len(mail.logins)
    action = email_action(mail, ["ada@example.org"], **members) | {"retry": {"max_attempts": 1}}
    done = deliver(action, {"subject": "s", "text": "t"})
    assert done["status"] == "dead" and "certificate" in done["last_error"], done
    assert (len(mail.mails), len(mail.logins)) == (mails, logins)


def test_a_missing_value_is_dead_at_once_or_its_default(deliver: Deliver, telegram: TelegramFake) -> None:
    dead = deliver(telegram_action("80", "Hello {{data.name}}"), {})
    assert (dead["status"], dead["attempt"]) == ("dead", 1)
    assert dead["last_error"] == "{{data.name}} is missing, and its placeholder has no default"
    done = deliver(telegram_action("80", 'Hello {{data.name | default: "you"}}'), {})
    assert done["status"] == "succeeded" and telegram.to("80")[0]["text"] == "Hello you"


def test_a_bad_template_is_refused_when_the_trigger_is_saved(stack: Stack) -> None:
    actions = [
        telegram_action("1", "Hello\n{{#data.items}} {{data.name}}"),
        {"type": "slack", "config": {"webhook_url": "https://hooks.slack.com/x", "text": "é {{data..x}}"}},
    ]
    status, problem, _ = stack.request("POST", "/api/v1/triggers", {"name": "bad", "actions": actions})
    assert status == 422, problem
    errors = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert errors["/actions/0/config/text"] == "the section {{#data.items}} is not closed, at line 2, column 1"
    assert errors["/actions/1/config/text"].endswith(", at column 3")
