"""Names what failed between the tap and the API: network, TLS, proxy, or their settings."""

from __future__ import annotations

import re
import ssl
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from requests import exceptions as requests_errors
from requests.utils import select_proxy
from urllib3 import exceptions as urllib3_errors
from urllib3.util import parse_url

from tap_smokeball.api import error_policy
from tap_smokeball.api.tls_contexts import shared_context

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_smokeball.api.error_policy import ErrorPolicy

HTTPError = urllib3_errors.HTTPError
"""Base of the errors that reading a body raises, besides those of requests."""

_NOT_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
"""OpenSSL's words for a first message that is not TLS."""

_TIMEOUTS = (TimeoutError, urllib3_errors.TimeoutError)
_REFUSED = urllib3_errors.NewConnectionError
"""For urllib3 a refused connection is a timeout, too."""

_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (\d{3})")
_PROXY_LOGIN_REQUIRED = 407


class ConnectionFailure(NamedTuple):
    """Why there is no response, or an incomplete one.

    Attributes:
        policy: What to do about it.
        reason: What failed, without anything confidential.
        is_reachable: Whether a server answered at all.
    """

    policy: ErrorPolicy
    reason: str
    is_reachable: bool = False


def environment_failure(url: str, proxies: Mapping[str, str], verify: object) -> ErrorPolicy | None:
    """Return what is wrong with the proxy or the certificates of the environment, if anything.

    Args:
        url: Where a request goes to.
        proxies: The proxies by scheme, as requests has them.
        verify: The file or folder of certificates, or whether to check them.
    """
    if proxy := select_proxy(url, dict(proxies)):
        try:
            parsed = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        except (HTTPError, ValueError):
            return error_policy.PROXY_SETTING
        scheme = (parsed.scheme or "").lower()
        if scheme.startswith("socks"):
            if find_spec("socks") is None:
                return error_policy.SOCKS_PROXY
        elif scheme not in {"http", "https"} or not parsed.host:
            return error_policy.PROXY_SETTING
    if isinstance(verify, str) and urlsplit(url).scheme == "https":
        try:
            if Path(verify).is_dir():
                ssl.create_default_context(capath=verify)
            else:
                shared_context(verify)
        except OSError:  # among them ssl.SSLError
            return error_policy.CA_BUNDLE
    return None


def connection_failure(error: Exception, *, seconds: float, is_known: bool) -> ConnectionFailure:
    """Return why a request has no response, or an incomplete one.

    Args:
        error: An error of requests, of urllib3, or of a socket.
        seconds: The timeout that applied.
        is_known: Whether the host has answered before, so that it speaks TLS.
    """
    causes = list(_causes(error))
    if (tls := next((one for one in causes if isinstance(one, ssl.SSLError)), None)) is not None:
        return ConnectionFailure(policy := _tls_policy(tls, is_known=is_known), policy.reason)
    if any(isinstance(one, _TIMEOUTS) and not isinstance(one, _REFUSED) for one in causes):
        policy = error_policy.TIMEOUT
        return ConnectionFailure(policy, policy.reason.format(seconds=seconds))
    if any(
        isinstance(one, (requests_errors.ProxyError, urllib3_errors.ProxyError)) for one in causes
    ):
        return _proxy_failure(causes)
    if isinstance(error, HTTPError):  # of requests' own errors, reading a body raises none
        policy = error_policy.INVALID_BODY
        return ConnectionFailure(policy, "an incomplete response", is_reachable=True)
    policy = error_policy.NO_RESPONSE
    if any(isinstance(one, urllib3_errors.NameResolutionError) for one in causes):
        return ConnectionFailure(policy, "no connection: the host name cannot be resolved")
    return ConnectionFailure(policy, policy.reason)


def _tls_policy(error: ssl.SSLError, *, is_known: bool) -> ErrorPolicy:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error_policy.CERTIFICATE
    if error.reason in _NOT_TLS and not is_known:
        return error_policy.NOT_TLS
    return error_policy.TLS_BROKEN


def _proxy_failure(causes: list[BaseException]) -> ConnectionFailure:
    statuses = [found for one in causes if (found := _TUNNEL_STATUS.search(str(one)))]
    if not statuses:
        return ConnectionFailure(
            error_policy.NO_RESPONSE,
            "no connection to the proxy that HTTPS_PROXY or HTTP_PROXY names",
        )
    status = int(statuses[0][1])
    if status == _PROXY_LOGIN_REQUIRED:
        policy = error_policy.PROXY_LOGIN
        return ConnectionFailure(policy, policy.reason)
    policy = error_policy.PROXY_DENIAL
    return ConnectionFailure(policy, policy.reason.format(status=status))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it wraps: libraries keep them in three ways."""
    pending, seen = [error], set[int]()
    while pending:
        one = pending.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        wrapped = [*one.args, getattr(one, "reason", None), getattr(one, "original_error", None)]
        wrapped += [one.__cause__, one.__context__]
        pending += [inner for inner in wrapped if isinstance(inner, BaseException)]
