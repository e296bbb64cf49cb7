"""A real SMTP server with STARTTLS, or TLS from the start, and a login, on a free loopback port."""

import ssl
import subprocess
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from stack import free_port

USERNAME = "shop"
PASSWORD = "the-password-of-the-end-to-end-tests"


class MailServer:
    """Takes mails only over TLS and only after a login; refuses some recipients."""

    def __init__(self, folder: Path, implicit: bool = False) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.logins: list[str] = []
        self.greylisted: set[str] = set()
        certificate, key = self._certificate(folder)
        self.certificate = certificate.read_text()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        options: dict[str, Any] = {"auth_required": True, "authenticator": self._authenticate, "timeout": 20}
        if implicit:
            # The connection is protected already; aiosmtpd can't tell.
            options |= {"ssl_context": context, "auth_require_tls": False}
        else:
            options |= {"tls_context": context, "require_starttls": True}
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self.controller.start()

    @staticmethod
    def _certificate(folder: Path) -> tuple[Path, Path]:
        certificate, key = folder / "mail.pem", folder / "mail.key"
        if not certificate.exists():
            kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
            names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
            files = ["-keyout", str(key), "-out", str(certificate)]
            subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
        return certificate, key

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append(mechanism)
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USERNAME.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=good, handled=good)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user here"
        if address.startswith("grey@") and address not in self.greylisted:
            self.greylisted.add(address)
            return "450 4.2.0 greylisted, come back"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 2.0.0 queued"

    def close(self) -> None:
        self.controller.stop()
