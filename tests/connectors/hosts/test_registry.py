"""hosts.yml: what is read, and how what is wrong is told."""

from pathlib import Path

import aiohttp
import pytest

from connectors.hosts.registry import (
    HostsFileInvalid,
    UnknownHost,
    connect_hosts,
    find_hosts_file,
    load_hosts,
)
from security.identity.keyring import KeyRing

ROOT = Path(__file__).parents[3]
VARIABLES = {"home": "/srv/firstline", "demo_port": "8081", "demo_url": "http://support.example:8081"}
GOOD = """
hosts:
  acme:
    title: Acme
    base_url: https://app.acme.example/api/
    allowed_origins: [https://app.acme.example]
    timeouts: {connect: 1, total: 5}
"""


def load(tmp_path: Path, text: str, variables: dict[str, str] | None = None) -> object:
    path = tmp_path / "hosts.yml"
    path.write_text(text)
    return load_hosts(path, VARIABLES if variables is None else variables)


def test_the_file_that_comes_with_the_product() -> None:
    hosts = load_hosts(ROOT / "data" / "policies" / "hosts.yml", VARIABLES)
    kettle = hosts["kettle"]
    assert kettle.base_url == "http://127.0.0.1:8081"
    assert kettle.keyring == Path("/srv/firstline/keys/hosts/kettle.json")
    assert "http://support.example:8081" in kettle.allowed_origins


def test_the_sample_is_left_out_where_it_does_not_run() -> None:
    assert load_hosts(ROOT / "data" / "policies" / "hosts.yml", {"home": "/srv"}) == {}


async def test_applications_by_name(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text(GOOD)
    registry = connect_hosts(load_hosts(path, VARIABLES), session, KeyRing)
    assert list(registry) == ["acme"]
    assert registry.get("acme").name == "acme"
    assert registry.allowed_origins() == registry.allowed_origins("acme") == {"https://app.acme.example"}
    assert registry.allowed_origins("other") == frozenset()
    with pytest.raises(UnknownHost):
        registry.get("other")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hosts: [", "hosts.yml:1: "),
        ("hosts: {}\nhosts: {}", "twice"),
        ("[]", "hosts.yml cannot be used"),
        ("host: {}", "hosts: Field required"),
        (GOOD.replace("acme:", "ACME:"), "hosts.ACME"),
        (GOOD.replace("title: Acme", ""), "hosts.acme.title: Field required"),
        (GOOD.replace("https://app.acme.example/api/", "app.acme.example"), "hosts.acme.base_url"),
        (GOOD.replace("https://app.acme.example/api/", "https://u:p@app.acme.example"), "no user"),
        (GOOD.replace("https://app.acme.example/api/", "https://app.acme.example:99999"), "base_url"),
        (GOOD.replace("https://app.acme.example/api/", "http://app.acme.example"), "allow_http"),
        (GOOD.replace("[https://app.acme.example]", "[https://app.acme.example/]"), "allowed_origins"),
        (GOOD.replace("[https://app.acme.example]", "[]"), "allowed_origins"),
        (GOOD.replace("connect: 1", "connect: 0"), "timeouts.connect"),
        (GOOD.replace("connect: 1", "conect: 1"), "timeouts.conect"),
        (GOOD.replace("title: Acme", 'title: "{nowhere}"'), "{nowhere} is not known"),
        (GOOD.replace("title: Acme", 'title: "{"'), "unpaired brace"),
        ("hosts: {acme: !!python/object/apply:os.system [id]}", "hosts.yml:1: "),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(HostsFileInvalid) as caught:
        load(tmp_path, text)
    assert says in caught.value.message
    assert "hosts.yml" in caught.value.message


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HostsFileInvalid) as caught:
        load_hosts(tmp_path / "none.yml", VARIABLES)
    assert "cannot be read" in caught.value.message


def test_a_deployment_s_own_file_wins(tmp_path: Path) -> None:
    assert find_hosts_file(tmp_path, ROOT) == ROOT / "data" / "policies" / "hosts.yml"
    (tmp_path / "hosts.yml").write_text(GOOD)
    assert find_hosts_file(tmp_path, ROOT) == tmp_path / "hosts.yml"
