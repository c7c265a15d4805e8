"""One delivery to one address: certificates are checked against the name, not the number."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.dashboard.posting import post
from tests.support.certificates import make_certificate
from tests.support.hook_server import HookServer, hook_server

pytestmark = pytest.mark.slow


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
