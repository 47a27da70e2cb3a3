"""Free loopback ports, kept from one start to the next."""

import socket
from typing import Any


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether `port` can be listened on now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose(remembered: Any, *, in_use_by_us: bool) -> int:
    """Return the remembered port while our child has it or it is free, else any free one."""
    if isinstance(remembered, int) and 0 < remembered < 65536 and (in_use_by_us or is_free(remembered)):
        return remembered
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
