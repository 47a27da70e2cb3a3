"""The app's port: taken at once, or said to be taken. Standard library only; the installation looks too."""

import contextlib
import errno
import resource
import socket
from collections.abc import Iterator

from app.settings import Settings
from foundation.errors import Conflict, FirstlineError

_MOST_CONNECTIONS = 4096
_OTHER_FILES = 512
"""Descriptors that are left for everything but clients: databases, models, indexes, logs."""


def open_connections() -> int:
    """Return how many connections may be open at once, after asking for as many descriptors as are needed.

    Without descriptors no connection is taken at all, not even for a moment.
    """
    wanted = _MOST_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _MOST_CONNECTIONS
    return max(soft - _OTHER_FILES, soft // 2)


class PortTaken(Conflict):
    """Another program listens on our port."""


@contextlib.contextmanager
def reserved(settings: Settings) -> Iterator[socket.socket]:
    """Bind the app's port at once, so that a taken one is found before anything is started.

    Raises:
        PortTaken: when it cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as error:
            raise _unusable(settings, error) from None
        listening.setblocking(False)
        yield listening
    finally:
        listening.close()


def _unusable(settings: Settings, error: OSError) -> FirstlineError:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"Port {settings.port} is taken by another program.",
            hint="Set PORT to a free port, for example: make run PORT=8090",
        )
    if error.errno == errno.EACCES:
        return PortTaken(
            f"Port {settings.port} is only for privileged programs.", hint="Set PORT to one above 1023."
        )
    return PortTaken(
        f"HOST {settings.host} is not an address of this machine.", hint="Set HOST to 127.0.0.1 or 0.0.0.0."
    )
