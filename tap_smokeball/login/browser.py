"""Opens the user's browser, which gets nothing of this process but the URL."""

from __future__ import annotations

import os
import re
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# A list of what a desktop needs: no list of secrets would be complete.
_INHERITED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TERM|TMPDIR|TEMP|TMP|TZ|LANG|LANGUAGE|LC_\w+|BROWSER|DISPLAY"
    r"|XAUTHORITY|WAYLAND_DISPLAY|DBUS_SESSION_BUS_ADDRESS|XDG_\w+|DESKTOP_SESSION|GDMSESSION"
    r"|GNOME_DESKTOP_SESSION_ID|KDE_\w+|GTK_\w+|GDK_\w+|QT_\w+|MOZ_\w+|LD_LIBRARY_PATH|NIX_\w+"
    r"|SNAP\w*|WSL\w*|SSH_CONNECTION|SSH_TTY|HTTPS?_PROXY|NO_PROXY|ALL_PROXY"
    r"|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|USERPROFILE|PROGRAM\w*",
    re.IGNORECASE,
)
"""Names of the environment variables that a browser inherits."""


def open_browser(url: str) -> bool:
    """Open a URL, and return whether a browser was found."""
    with _environment_without_secrets():
        try:
            return webbrowser.open(url)
        except webbrowser.Error:
            return False


@contextmanager
def _environment_without_secrets() -> Iterator[None]:
    """Hide other variables, because the module `webbrowser` passes on the whole environment."""
    hidden = {name: value for name, value in os.environ.items() if not _INHERITED.fullmatch(name)}
    try:
        for name in hidden:
            del os.environ[name]
        yield
    finally:
        os.environ.update(hidden)
