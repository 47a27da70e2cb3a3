"""What the log keeps of signing in: the caller's address, on purpose, so that an attack can be traced."""

from collections.abc import MutableMapping
from typing import Any

from foundation.http.peers import read_address
from security.privacy.masking import mask_log

SIGN_IN_EVENTS = frozenset(
    {"signed_in", "sign_in_refused", "sign_in_limited", "password_changed", "password_change_refused"}
)
"""Events of the log whose `address` stays readable; everything else is masked."""


def mask_all_but_sign_in_addresses(
    logger: Any, method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: `mask_log`, but of `SIGN_IN_EVENTS` the IP address in `address` stays."""
    told = entry.get("address") if entry.get("event") in SIGN_IN_EVENTS else None
    address = read_address(told) if isinstance(told, str) else None
    masked = mask_log(logger, method, entry)
    if address is not None:
        masked["address"] = str(address)
    return masked
