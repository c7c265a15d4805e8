"""One delivery to one address: certificates are checked against the name, not the number."""

import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from drivers.clock import SystemClock
from orchestrator.dashboard.posting import post
from tests.support.hook_server import HookServer, hook_server

pytestmark = pytest.mark.slow


def make_certificate(folder: Path, name: str) -> Path:
    """Make a certificate that signs itself, with its key, for one name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    form = serialization.Encoding.PEM
    secret = key.private_bytes(
        form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(form) + secret)
    return path


@pytest.fixture
def encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], HookServer]]:
    with hook_server() as server:

        def as_name(name: str) -> HookServer:
            certificate = make_certificate(tmp_path, name)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            return server

        yield as_name


def test_a_delivery_is_encrypted_for_the_name_it_was_addressed_to(
    encrypted: Callable[[str], HookServer],
) -> None:
    server = encrypted("localhost")

    assert post(f"https://localhost:{server.server_port}/hook", b"{}", {}) == ""
    assert server.taken[0].headers["host"] == f"localhost:{server.server_port}"


def test_a_certificate_of_another_name_is_refused(
    encrypted: Callable[[str], HookServer],
) -> None:
    server = encrypted("lims.example")

    said = post(f"https://localhost:{server.server_port}/hook", b"{}", {})

    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert server.came == []


def test_a_certificate_that_nobody_vouches_for_is_refused(
    encrypted: Callable[[str], HookServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = encrypted("localhost")
    monkeypatch.delenv("SSL_CERT_FILE")

    said = post(f"https://localhost:{server.server_port}/hook", b"{}", {})

    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert server.came == []


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "http://[fe80::1]/", "http://0.0.0.0/", "http://2852039166/"],
)
def test_an_address_is_checked_when_it_is_sent_to(url: str) -> None:
    assert "link-local" in post(url, b"{}", {})


def test_nobody_at_home_is_said() -> None:
    assert "ConnectError" in post("http://127.0.0.1:1/", b"{}", {})
    assert post("http://a..b/", b"{}", {}) != ""
