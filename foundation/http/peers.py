"""Where a request comes from: the caller's address, told by the connection or by proxies that are trusted.

`Forwarded` (RFC 7239), `X-Forwarded-For` and `X-Forwarded-Proto` are anybody's to write. They are read only
when the connection itself comes from a trusted proxy, from the right to the left: each proxy appends the
address that it saw, so the first one that is no trusted proxy is the caller, and what stands left of it is
what the caller claims.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = "unknown"
_MOST_HOPS = 32
"""Proxies that are looked through; whoever is behind more of them counts as the last one looked at."""
_SIGNS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Via")
_HOP = re.compile(
    r"\[(?P<v6>[^\[\]]{2,64})\](?::\w{1,6})?|(?P<v4>[0-9.]{7,15})(?::\w{1,6})?|(?P<bare>[^\s]{2,64})"
)


@dataclass(frozen=True)
class TrustedProxies:
    """Networks whose machines may say for whom they speak; none by default."""

    networks: tuple[IpNetwork, ...] = ()

    def trusts(self, address: IpAddress | None) -> bool:
        """Tell whether `address` is one of ours."""
        return address is not None and any(address in network for network in self.networks)


NO_PROXIES = TrustedProxies()
TRUSTED_PROXIES: web.AppKey[TrustedProxies] = web.AppKey("trusted_proxies", TrustedProxies)


def client_address(request: web.Request) -> str:
    """Return the caller's IP address, `unknown` where there is none (a Unix socket).

    A trusted proxy that does not say, says something unreadable, or sends two headers that disagree, stands
    for the caller itself: many callers then share one address, and none gets an address of their choice.
    """
    found = _client(request)[0]
    return str(found) if found is not None else UNKNOWN


def is_https(request: web.Request) -> bool:
    """Tell whether the caller reaches us over https, at a trusted proxy or at this server."""
    if request.secure:
        return True
    peer = read_address(request.remote)
    if not _proxies(request).trusts(peer):
        return False
    _, hops_back = _client(request)
    told = _told(request, "X-Forwarded-Proto") or [
        one.get("proto", "") for one in request.forwarded[-_MOST_HOPS:]
    ]
    if not told:
        return False
    at = hops_back if 0 < hops_back <= len(told) else 1
    return told[-at].strip().lower() == "https"


def is_local(request: web.Request) -> bool:
    """Tell whether a process of this machine calls directly: by the loopback interface, through no proxy.

    A reverse proxy on this machine also connects from loopback; it gives itself away by its headers or by
    the name in `Host`.
    """
    peer = read_address(request.remote)
    if peer is None or not peer.is_loopback or any(name in request.headers for name in _SIGNS):
        return False
    host = read_hop(request.host)
    return host.is_loopback if host is not None else request.host.partition(":")[0].lower() == "localhost"


def read_address(text: str | None) -> IpAddress | None:
    """Read an address; one of IPv4 written as IPv6 is IPv4, and a zone (`%eth0`) is dropped."""
    try:
        address = ipaddress.ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def read_hop(text: str) -> IpAddress | None:
    """Read one element of a forwarding header: an address, perhaps with a port; None for anything else."""
    found = _HOP.fullmatch(text.strip(' \t"'))
    return read_address(found["v6"] or found["v4"] or found["bare"]) if found else None


def _proxies(request: web.Request) -> TrustedProxies:
    return request.config_dict.get(TRUSTED_PROXIES, NO_PROXIES)


def _client(request: web.Request) -> tuple[IpAddress | None, int]:
    """The caller's address, and how many elements from the right it stands (0: it is the connection's)."""
    peer = read_address(request.remote)
    proxies = _proxies(request)
    if not proxies.trusts(peer):
        return peer, 0
    plain = _told(request, "X-Forwarded-For")
    standard = [one.get("for", "") for one in request.forwarded[-_MOST_HOPS:]]
    answers = [_walk(peer, hops, proxies) for hops in (plain, standard) if hops]
    return answers[0] if len({address for address, _ in answers}) == 1 else (peer, 0)


def _walk(
    peer: IpAddress | None, hops: Sequence[str], proxies: TrustedProxies
) -> tuple[IpAddress | None, int]:
    nearest, back = peer, 0
    for hop in reversed(hops):
        address = read_hop(hop)
        if address is None:
            break
        nearest, back = address, back + 1
        if not proxies.trusts(address):
            break
    return nearest, back


def _told(request: web.Request, name: str) -> list[str]:
    """The last elements of a header that is a list, over all its lines."""
    lines = request.headers.getall(name, [])[-_MOST_HOPS:]
    return ",".join(lines).rsplit(",", _MOST_HOPS)[-_MOST_HOPS:] if lines else []
