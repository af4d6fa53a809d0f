"""Errors between the tap and the API are named for what they are, once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tap_smokeball.api.client import ApiClient, Endpoint
from tap_smokeball.config.settings import Settings
from tap_smokeball.errors import SmokeballError
from tests.harness import MATTERS, catalog, config, run
from tests.memory_firm import MemoryFirm
from tests.recording_server import RecordingServer
from tests.tls_server import TlsServer, create_certificate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

LISTS = ("firm", "staff", "contacts", "matters", "fees")
"""Streams of a run that reads several lists."""


def request_firm(url: str, **more: object) -> object:
    """Send one request with the settings of a program that has an access token."""
    settings = {"api_url": url, "api_key": "k", "access_token": "t", "max_retries": 0, **more}
    client = ApiClient(Settings.from_config(settings))
    return client.get(Endpoint("/firm", "firm/read", "firm"), {}, {}, dict).data


def error_of(url: str, **more: object) -> str:
    with pytest.raises(SmokeballError) as caught:
        request_firm(url, **more)
    return str(caught.value)


def logged_errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to create a certificate")
    return create_certificate(tmp_path_factory.mktemp("tls"))


class TestAccess:
    def test_denial_of_all_streams_is_one_error(self, caplog: pytest.LogCaptureFixture) -> None:
        """If each stream is denied, the key or the address is wrong, not each scope."""
        firm = MemoryFirm(matters=2)
        output = run(config(firm, api_key="wrong"), catalog=catalog(wanted=LISTS))
        assert output.status == 1
        [line] = logged_errors(caplog)
        assert line.startswith("All 5 streams failed: 403 contacts (GET /contacts, ")
        assert "access denied to every stream. Check api_key" in line

    def test_denial_of_first_stream_names_scope(self, caplog: pytest.LogCaptureFixture) -> None:
        """The first stream is denied, the next ones are not: its scope is missing."""
        firm = MemoryFirm(matters=2)
        scopes = [one for one in firm.control.settings()["scopes"] if one != "firm/read"]
        firm.control.settings(scopes=scopes)
        output = run(config(firm), catalog=catalog(wanted=LISTS))
        assert output.stderr == "1 of 5 streams failed: firm"
        [line] = logged_errors(caplog)
        assert "Grant the app the scope firm/read" in line

    def test_rejected_token_error_names_causes(self, caplog: pytest.LogCaptureFixture) -> None:
        """A 401 is also what a missing scope, a wrong account or a wrong user causes."""
        firm = MemoryFirm(matters=2)
        firm.control.fail(count=1000, how="status", status=401, template=MATTERS)
        run(config(firm))
        for cause in ("account_id", "user_id", "scopes and permissions"):
            assert cause in caplog.text


class TestRedirect:
    location = "https://api.moved.example:8443/matters?token=canary"

    @pytest.mark.parametrize("status", [301, 302, 308])
    def test_api_redirect_names_new_address(self, status: int) -> None:
        with RecordingServer(status, {"Location": self.location}) as server:
            text = error_of(server.url)
            assert len(server.requests) == 1
        assert text.startswith(f"{status} firm (GET /firm")
        assert "redirected to https://api.moved.example:8443; no key and no token was sent" in text
        assert "canary" not in text

    def test_odd_redirect_names_no_address(self) -> None:
        with RecordingServer(302, {"Location": "https://u:canary@[::1"}) as server:
            assert "redirected to another address" in error_of(server.url)

    def test_login_redirect_names_new_address(self) -> None:
        credentials = {"access_token": None, "client_id": "c", "client_secret": "s"}
        with RecordingServer(302, {"Location": self.location}) as server:
            text = error_of("http://127.0.0.1:9", auth_url=server.url, **credentials)
            assert len(server.requests) == 1
        assert text.startswith("302 login (POST /oauth2/token)")
        assert "redirected to https://api.moved.example:8443" in text


class TestProxy:
    @pytest.mark.parametrize("proxy", ["http://", "http://[", "ftp://h:1", "http://h:port", "://"])
    def test_malformed_proxy_is_named(self, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        assert "ALL_PROXY is not the URL of a proxy" in error_of("https://api.invalid")

    def test_socks_proxy_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "socks5h://user:canary@127.0.0.1:9")
        text = error_of("https://api.invalid")
        assert "names a SOCKS proxy, which needs the package PySocks" in text
        assert "canary" not in text

    @pytest.mark.parametrize("url", ["https://api.invalid", "http://127.0.0.1:9"])
    def test_wrong_proxy_password_is_named(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with RecordingServer(407) as proxy:
            for name in ("HTTPS_PROXY", "HTTP_PROXY", "http_proxy"):
                monkeypatch.setenv(name, proxy.url.replace("://", "://user:canary@"))
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            text = error_of(url, max_retries=3)
            assert len(proxy.requests) == 1
        assert "the proxy rejects its user name or password" in text
        assert "canary" not in text

    def test_denial_by_proxy_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with RecordingServer(403) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            assert "the proxy refuses the connection with 403" in error_of("https://api.invalid")


class TestTls:
    def test_broken_tls_record_is_retried(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A record that breaks in the middle of a body says nothing about the certificate."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with TlsServer(certificate, broken=1) as server:
            assert request_firm(server.url, max_retries=1) == {"id": "1"}
            assert server.connections == 2

    def test_untrusted_certificate_is_not_retried(self, certificate: Path) -> None:
        with TlsServer(certificate) as server:
            text = error_of(server.url, max_retries=3)
            assert server.connections == 1
        assert "the server's certificate is not trusted" in text

    def test_https_to_http_port_is_named(self) -> None:
        with RecordingServer() as server:
            text = error_of(server.url.replace("http:", "https:"), max_retries=3)
        assert "the server does not speak TLS on this port" in text

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_missing_ca_bundle_is_named(
        self, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "canary.pem"
        if content:
            path.write_text(content)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
        text = error_of("https://127.0.0.1:9")
        assert "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file with certificates" in text
        assert "canary" not in text
