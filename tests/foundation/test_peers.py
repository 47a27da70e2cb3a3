"""Whose request it is, with proxies that are trusted, proxies that are not, and callers who lie."""

import ipaddress
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import BaseModel

from foundation.http import Authenticator, Call, Endpoint
from foundation.http.peers import (
    NO_PROXIES,
    TRUSTED_PROXIES,
    TrustedProxies,
    client_address,
    is_https,
    is_local,
)
from foundation.http.server import build_http
from tests.support.made_up import MADE_UP, MadeUp

TRUSTED = TrustedProxies(tuple(map(ipaddress.ip_network, ("10.0.0.0/24", "127.0.0.1/32", "fd00::/64"))))


def request(
    peer: str, *headers: tuple[str, str], trusted: TrustedProxies = TRUSTED, host: str = "127.0.0.1:8080"
) -> web.Request:
    """A request over a connection from `peer`."""
    app = web.Application()
    app[TRUSTED_PROXIES] = trusted
    made = make_mocked_request("GET", "/", CIMultiDict([("Host", host), *headers]), app=app)
    asked = made.clone(remote=peer)
    # A clone is not matched to a route, and so it would know no application.
    asked._match_info = made._match_info
    return asked


def forwarded_for(*values: str) -> list[tuple[str, str]]:
    return [("X-Forwarded-For", value) for value in values]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
def test_who_is_no_trusted_proxy_is_the_caller_whatever_it_says(name: str) -> None:
    said = "for=203.0.113.7" if name == "Forwarded" else "203.0.113.7"
    assert client_address(request("198.51.100.1", (name, said))) == "198.51.100.1"
    assert client_address(request("127.0.0.1", (name, said), trusted=TrustedProxies())) == "127.0.0.1"


@pytest.mark.parametrize(
    ("said", "caller"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.9, 10.0.0.8", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ('"203.0.113.7"', "203.0.113.7"),
        ("10.0.0.7", "10.0.0.7"),
        ("", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("203.0.113.7, unknown", "10.0.0.1"),
        ("203.0.113.7, unknown, 10.0.0.9", "10.0.0.9"),
        ("203.0.113.007", "10.0.0.1"),
        ("999.1.1.1", "10.0.0.1"),
        ("203.0.113.7 203.0.113.8", "10.0.0.1"),
        ("203.0.113.7,", "10.0.0.1"),
        (", ".join(["10.0.0.2"] * 1000), "10.0.0.2"),
        (", ".join(["1.1.1.1"] * 999 + ["203.0.113.7"]), "203.0.113.7"),
    ],
)
def test_a_trusted_proxy_says_for_whom_it_speaks(said: str, caller: str) -> None:
    assert client_address(request("10.0.0.1", ("X-Forwarded-For", said))) == caller


@pytest.mark.parametrize(
    ("said", "caller"),
    [
        ("for=203.0.113.7;proto=https", "203.0.113.7"),
        ('For="[2001:db8::1]:4711";by=10.0.0.1', "2001:db8::1"),
        ("for=1.1.1.1, for=203.0.113.7", "203.0.113.7"),
        ("for=_hidden", "10.0.0.1"),
        ("for=unknown, for=203.0.113.7", "203.0.113.7"),
        ("proto=https", "10.0.0.1"),
        ('for="203.0.113.7', "10.0.0.1"),
        ('for="1.1.1.1, for=203.0.113.7', "203.0.113.7"),
    ],
)
def test_the_standard_header_says_the_same(said: str, caller: str) -> None:
    assert client_address(request("10.0.0.1", ("Forwarded", said))) == caller


def test_lines_of_a_header_are_one_list() -> None:
    assert client_address(request("10.0.0.1", *forwarded_for("1.1.1.1", "203.0.113.7"))) == "203.0.113.7"


def test_a_header_that_the_proxy_only_passes_on_is_not_believed_against_its_own() -> None:
    spoofed = [("Forwarded", "for=1.1.1.1"), *forwarded_for("203.0.113.7")]
    assert client_address(request("10.0.0.1", *spoofed)) == "10.0.0.1"
    agreed = [("Forwarded", "for=203.0.113.7"), *forwarded_for("203.0.113.7")]
    assert client_address(request("10.0.0.1", *agreed)) == "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "headers", "https"),
    [
        ("10.0.0.1", [("X-Forwarded-Proto", "https")], True),
        ("10.0.0.1", [("X-Forwarded-Proto", "http")], False),
        ("10.0.0.1", [("X-Forwarded-Proto", "https, http")], False),
        ("10.0.0.1", [("X-Forwarded-Proto", "https, http"), *forwarded_for("203.0.113.7, 10.0.0.2")], True),
        ("10.0.0.1", [("Forwarded", "for=203.0.113.7;proto=HTTPS")], True),
        ("10.0.0.1", [("Forwarded", "for=1.1.1.1;proto=https, for=203.0.113.7;proto=http")], False),
        ("10.0.0.1", [], False),
        ("198.51.100.1", [("X-Forwarded-Proto", "https")], False),
    ],
)
def test_https_is_what_a_trusted_proxy_says(peer: str, headers: list[tuple[str, str]], https: bool) -> None:
    assert is_https(request(peer, *headers)) is https


@pytest.mark.parametrize(
    ("peer", "headers", "host", "local"),
    [
        ("127.0.0.1", [], "127.0.0.1:8080", True),
        ("127.0.0.1", [], "localhost", True),
        ("::1", [], "[::1]:8080", True),
        ("127.0.0.1", forwarded_for("203.0.113.7"), "127.0.0.1:8080", False),
        ("127.0.0.1", forwarded_for("127.0.0.1"), "127.0.0.1:8080", False),
        ("127.0.0.1", [("Forwarded", "")], "127.0.0.1:8080", False),
        ("127.0.0.1", [("X-Real-IP", "127.0.0.1")], "127.0.0.1:8080", False),
        ("127.0.0.1", [("X-Forwarded-Proto", "https")], "127.0.0.1:8080", False),
        ("127.0.0.1", [], "help.example.com", False),
        ("198.51.100.1", [], "127.0.0.1:8080", False),
        ("10.0.0.1", forwarded_for("127.0.0.1"), "127.0.0.1:8080", False),
    ],
)
def test_only_a_direct_call_from_this_machine_is_local(
    peer: str, headers: list[tuple[str, str]], host: str, local: bool
) -> None:
    for trusted in (TRUSTED, TrustedProxies()):
        assert is_local(request(peer, *headers, host=host, trusted=trusted)) is local


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200), st.booleans())
def test_any_header_gives_an_address(said: str, standard: bool) -> None:
    name = "Forwarded" if standard else "X-Forwarded-For"
    asked = request("10.0.0.1", (name, said))
    ipaddress.ip_address(client_address(asked))
    assert is_https(asked) in (True, False)


class Answer(BaseModel):
    """Anything."""

    ok: bool = True


async def _answer(_: Call) -> Answer:
    return Answer()


@pytest.mark.parametrize("trusted", [NO_PROXIES, TRUSTED])
async def test_a_local_endpoint_refuses_what_a_proxy_on_this_machine_forwards(
    aiohttp_client, trusted: TrustedProxies
) -> None:
    """`/metrics` with `local` answered the whole world through a reverse proxy."""
    endpoint = Endpoint("GET", "/local", _answer, MadeUp.LOCAL, "Local", response=Answer)
    app = build_http(
        [endpoint], Mock(spec=Authenticator), MADE_UP, allowed_origins=frozenset, trusted_proxies=trusted
    )
    client = await aiohttp_client(app)
    assert (await client.get("/local")).status == 200
    for headers in (
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=127.0.0.1"},
        {"Host": "help.example"},
    ):
        assert (await client.get("/local", headers=headers)).status == 403
