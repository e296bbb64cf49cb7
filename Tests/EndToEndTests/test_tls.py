"""TLS on the gateway's port: what is spoken, with which files it starts, and how they are renewed."""

import json
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import raw_http2 as h2
from certificates import Certificate
from cryptography import x509
from gateways import Database, Gateway, Organization, organizations
from raw_http2 import Connection
from stack import PROGRAMS, Stack, free_port, wait_until

EVENT = '{"type":"Sealed","data":{"n":1}}'


class SecureGateway(Gateway):
    """Its readiness is asked for on the port that it has for that."""

    def __init__(self, database: Database, certificate: Certificate, **environment: Any) -> None:
        self.certificate = certificate
        self.health_port = free_port()
        environment |= certificate.environment | {"GATEWAY_METRICS_PORT": str(self.health_port)}
        super().__init__(database, **environment)
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return httpx.get(f"http://127.0.0.1:{self.health_port}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def trust(self, *protocols: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificate.chain))
        context.set_alpn_protocols(list(protocols or ("h2", "http/1.1")))
        return context

    def serial(self) -> int:
        """Of the certificate that a new connection is shown."""
        shown = ssl.get_server_certificate(("127.0.0.1", self.port))
        return x509.load_pem_x509_certificate(shown.encode()).serial_number


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Organization:
    return organizations(stack, "sealed", parts=1)[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def gateway(stack: Stack, certificate: Certificate) -> Iterator[SecureGateway]:
    deadlines = {"SERVER_HEAD_SECONDS": "2", "SERVER_IDLE_SECONDS": "3"}
    running = SecureGateway(Database(stack), certificate, **deadlines)
    yield running
    running.stop()


def curl(gateway: SecureGateway, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        "curl",
        "-sS",
        "--max-time",
        "20",
        "--cacert",
        str(gateway.certificate.chain),
        "-o",
        "/dev/null",
    ]
    shown = ["-w", "%{http_version} %{http_code}"]
    return subprocess.run(
        [*command, *shown, *arguments, gateway.url + path],
        capture_output=True,
        text=True,
        check=False,
    )


def test_curl_is_spoken_to_in_what_it_offers(gateway: SecureGateway, tenant: Organization) -> None:
    post = [
        "-H",
        f"authorization: Bearer {tenant.key}",
        "-H",
        "content-type: application/json",
        "-d",
        EVENT,
    ]
    for arguments, spoken in (
        (["--http2"], "2"),
        (["--http1.1"], "1.1"),
        (["--no-alpn"], "1.1"),
        (["--tlsv1.2", "--tls-max", "1.2"], "2"),
        (["--tlsv1.3"], "2"),
    ):
        done = curl(gateway, "/api/v1/events", *arguments, *post)
        assert done.stdout == f"{spoken} 201", done.stderr
        assert curl(gateway, "/livez", *arguments, "-I").stdout == f"{spoken} 200"
    old = curl(gateway, "/livez", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    assert old.returncode != 0 and old.stdout.endswith("000")
    assert curl(gateway, "/livez", "--cacert", "/etc/ssl/certs/ca-certificates.crt").returncode == 60


def test_clients_of_others_stream_over_it(gateway: SecureGateway, tenant: Organization) -> None:
    headers = {"authorization": f"Bearer {tenant.key}"}
    for version, is_second in (("HTTP/2", True), ("HTTP/1.1", False)):
        with httpx.Client(
            http2=is_second,
            verify=gateway.trust(),
            headers=headers,
            base_url=gateway.url,
        ) as client:
            with client.stream("GET", "/api/v1/events/stream", params={"type": "Sealed"}) as stream:
                assert stream.http_version == version
                lines = stream.iter_lines()
                assert next(lines).startswith("retry:")
                posted = client.post(
                    "/api/v1/events",
                    content=EVENT,
                    headers={"content-type": "application/json"},
                )
                assert (posted.http_version, posted.status_code) == (version, 201)
                data = next(line for line in lines if line.startswith("data: {"))
                assert json.loads(data.removeprefix("data: "))["id"] == posted.json()["id"]
            listed = client.get("/api/v1/events", params={"limit": 1000})
            assert listed.status_code == 200 and listed.json()["data"]


def test_the_command_line_speaks_it_too(stack: Stack, gateway: SecureGateway, tenant: Organization) -> None:
    arguments = ["send", "-", "--url", gateway.url, "--api-key", tenant.key]
    stack.environment["SSL_CERT_FILE"] = str(gateway.certificate.chain)
    sent = stack.collider(*arguments, stdin=EVENT, check=False)
    del stack.environment["SSL_CERT_FILE"]
    assert sent.returncode == 0, sent.stderr
    distrusted = stack.collider(*arguments, stdin=EVENT, check=False)
    assert distrusted.returncode != 0


def test_what_is_no_handshake_or_never_ends_one_is_cut_off(gateway: SecureGateway, tenant: Organization) -> None:
    opened = gateway.descriptors_open()
    beginnings = (
        b"",
        b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        h2.PREFACE,
    )
    silent = [socket.create_connection(("127.0.0.1", gateway.port), timeout=30) for _ in range(200)]
    for number, connection in enumerate(silent):
        connection.sendall(beginnings[number % len(beginnings)])
    for connection in silent:
        try:
            while connection.recv(1024):
                pass
        except ConnectionResetError:
            pass
        connection.close()
    # Handshakes that end, and no request; over either version.
    for protocol in ("h2", "http/1.1"):
        with (
            socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as plain,
            gateway.trust(protocol).wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            assert secure.selected_alpn_protocol() == protocol
            if protocol == "h2":
                secure.sendall(h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0, b""))
            while secure.recv(1024):
                pass
    wait_until("closed descriptors", 20, lambda: gateway.descriptors_open() <= opened + 5)
    assert curl(gateway, "/livez").stdout == "2 200"


def test_idle_connections_are_closed(gateway: SecureGateway) -> None:
    with Connection(gateway.port, security=gateway.trust("h2")) as connection:
        connection.request(1, "GET", "/livez")
        assert connection.answer(1).status == 200
        connection.read_to_end()
        assert connection.goaway == h2.NO_ERROR
    with (
        socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as plain,
        gateway.trust("http/1.1").wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = secure.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200")
        while secure.recv(4096):
            pass


def test_floods_over_it_end_the_connection(gateway: SecureGateway, tenant: Organization) -> None:
    with Connection(gateway.port, security=gateway.trust("h2")) as connection:
        for number in range(2_000):
            connection.request(2 * number + 1, "GET", "/livez")
            connection.reset(2 * number + 1)
            if connection.is_closed:
                break
        connection.read_to_end()
        assert connection.is_closed
    assert curl(gateway, "/livez").stdout == "2 200"


def test_a_renewed_certificate_is_shown_without_a_restart(stack: Stack, tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    gateway = SecureGateway(Database(stack), certificate)
    old = gateway.serial()
    try:
        with Connection(gateway.port, security=gateway.trust("h2")) as kept:
            # Half of a renewal leaves what was there; the log says so.
            chain = certificate.chain.read_bytes()
            certificate.renew(with_key=False)
            gateway.send(signal.SIGHUP)
            wait_until(
                "word of it",
                10,
                lambda: "certificate.not-renewed" in gateway.log.read_text(),
            )
            assert gateway.serial() == old
            certificate.chain.write_bytes(chain)
            renewed = certificate.renew()
            gateway.send(signal.SIGHUP)
            wait_until("renewed certificate", 10, lambda: gateway.serial() == renewed)
            # By itself, too, when nobody says so.
            again = certificate.renew()
            wait_until("certificate that was found", 30, lambda: gateway.serial() == again)
            kept.request(1, "GET", "/livez")
            assert kept.answer(1).status == 200, "connections that are there stay"
        assert gateway.process.poll() is None
    finally:
        gateway.stop()


def test_the_whole_stack_comes_up_with_it(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    stack = Stack(ring_capacity=64)
    stack.environment |= certificate.environment | {
        "GATEWAY_METRICS_PORT": str(free_port()),
        "SSL_CERT_FILE": str(certificate.chain),
    }
    try:
        assert f"https://127.0.0.1:{stack.port}/docs" in stack.up()
        assert stack.base_url == f"https://127.0.0.1:{stack.port}"
        stack.collider("status")
        stack.collider("probe", str(stack.port))
        stack.collider("send", "-", stdin=EVENT)
    finally:
        stack.remove()


def refusal(stack: Stack, **environment: str) -> str:
    """The one line that a gateway says when it does not start."""
    done = subprocess.run(
        [PROGRAMS / "api-gateway"],
        env=stack.environment
        | {
            "JWT_SECRET": "s" * 32,
            "COLLIDER_ENCRYPTION_KEY": "00" * 16 + "0123456789abcdef" * 2,
        }
        | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 78, done
    lines = [line for line in done.stderr.splitlines() if line.startswith("api-gateway: ")]
    assert len(lines) == 1 and "PRIVATE" not in done.stderr, done.stderr
    return lines[0]


def test_files_that_are_not_fit_stop_the_start(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    one, other = Certificate(tmp_path / "one"), Certificate(tmp_path / "other")
    nothing = tmp_path / "nothing.pem"
    cases: list[tuple[dict[str, str], str]] = [
        ({"TLS_CERTIFICATE": str(one.chain)}, "TLS_KEY: is required"),
        ({"TLS_KEY": str(one.key)}, "TLS_CERTIFICATE: is required"),
        (
            {"TLS_CERTIFICATE": str(nothing), "TLS_KEY": str(one.key)},
            "TLS_CERTIFICATE: ",
        ),
        ({"TLS_CERTIFICATE": str(one.chain), "TLS_KEY": str(nothing)}, "TLS_KEY: "),
        ({"TLS_CERTIFICATE": str(one.chain), "TLS_KEY": str(tmp_path)}, "is no file"),
        (
            {"TLS_CERTIFICATE": str(one.chain), "TLS_KEY": str(other.key)},
            "TLS_KEY: the key is not that",
        ),
        (
            {"TLS_CERTIFICATE": str(one.key), "TLS_KEY": str(one.key)},
            "TLS_CERTIFICATE: the file has no certificate",
        ),
    ]
    for environment, words in cases:
        assert words in refusal(stack, **environment)
    for mode in (0o644, 0o604, 0o660):
        one.key.chmod(mode)
        assert "can be read or changed by others" in refusal(stack, **one.environment)
    one.key.chmod(0o600)
    one.key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert "TLS_KEY: the file has no private key" in refusal(stack, **one.environment)
