"""The units by which callers are counted: an address is free to change within the network of its owner."""

import ipaddress
from dataclasses import dataclass

from foundation.http.peers import read_address


@dataclass(frozen=True)
class Source:
    """Where an attempt comes from: one caller's `unit` and the `network` around it.

    IPv4: the address and its /24. IPv6: the /64, in which any machine may choose its address, and the /48.
    """

    unit: str
    network: str

    @classmethod
    def of(cls, address: str) -> "Source":
        """Read an address; a text that is none is a unit and a network of its own."""
        found = read_address(address)
        if found is None:
            return cls(address, address)
        if found.version == 4:
            return cls(str(found), _network(found, 24))
        return cls(_network(found, 64), _network(found, 48))


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> str:
    return str(ipaddress.ip_network((address, length), strict=False))
