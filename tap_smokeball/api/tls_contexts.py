"""One TLS context for all connections that trust the same file of certificates.

urllib3 makes a context for each connection. To load the certificates of certifi takes 40 ms of CPU
and 1 MB each time, and each thread has a connection.
"""

from __future__ import annotations

import ssl
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

_lock = threading.Lock()


class _SharedContext(ssl.SSLContext):
    """Does not change while threads connect with it."""

    @override
    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        # urllib3 sets the same protocols for each connection, and OpenSSL frees those before.
        """Keep the protocols that were set before the context was shared."""


def shared_context(file: str) -> ssl.SSLContext:
    """Return the context that trusts the certificates of a file, as the file is now.

    Raises:
        OSError: The file cannot be read, or holds no certificate.
    """
    status = Path(file).stat()
    with _lock:  # threads that start together would load the file several times
        return _context(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _context(file: str, *_version: int) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(file)
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    context.__class__ = _SharedContext
    return context
