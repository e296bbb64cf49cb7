"""Certificates of a test's own, for a server on the loopback address."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificate:
    """A certificate that signs itself, and its key, in files of a folder."""

    def __init__(self, folder: Path, days: int = 30) -> None:
        self.chain, self.key = folder / "server.crt", folder / "server.key"
        self.days = days
        self.renew()

    def renew(self, *, with_key: bool = True) -> int:
        """Puts another in its place; its serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName(
            [
                x509.DNSName("localhost"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            ]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=self.days))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        if with_key:
            self.key.touch(mode=0o600)
            self.key.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        self.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return certificate.serial_number

    @property
    def environment(self) -> dict[str, str]:
        return {"TLS_CERTIFICATE": str(self.chain), "TLS_KEY": str(self.key)}
