"""Checks to which host an address leads, before anything is sent there."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

import requests

from tap_smokeball.config.validation import is_loopback
from tap_smokeball.documents.unavailable import UnavailableError


def check_address(url: str, *, allows_loopback: bool) -> None:
    """Check that an address leads to a public host, by TLS.

    The body that it leads to becomes a stored document. So an address must not reach services of
    this machine or of its network, which may serve anything to whoever asks from there.

    Args:
        url: The address; a secret.
        allows_loopback: Whether it may lead to this machine, as that of a simulated API does.

    Raises:
        UnavailableError: It must not be used.
    """
    try:
        request = requests.PreparedRequest()
        request.prepare_url(url, None)
        parts = urlsplit(request.url or "")
        host = (parts.hostname or "").rstrip(".")
        host.encode("idna")  # refuses names that no connection can be made to
    except ValueError:  # also those of requests; its text has the address
        raise UnavailableError("the address is not valid") from None
    if is_loopback(host) and allows_loopback:
        return
    if parts.scheme != "https":
        raise UnavailableError("the address is not https")
    if is_loopback(host) or _is_private(host):
        raise UnavailableError("the address is not public")


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))  # also 127.1 and 2130706433
        except OSError:  # a name
            return host.endswith(".localhost")
    return not address.is_global
