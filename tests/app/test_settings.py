"""Settings come from the environment, and nonsense in it is refused in a sentence that names the variable."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import BadSetting, Settings, normalise_database_url


def read(**environ: str) -> Settings:
    return Settings.from_env(environ, Path("/srv/firstline"))


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = read()
    assert settings.home == Path("/srv/firstline/.firstline")
    assert (settings.host, settings.port, settings.demo_port) == ("127.0.0.1", 8080, 8081)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.demo_url == "http://127.0.0.1:8081"
    assert settings.encoder_dir == settings.home / "encoder"
    assert settings.database_url is None
    assert settings.redis_url is None


def test_an_empty_variable_is_as_one_that_is_not_set() -> None:
    assert read(PORT="", HOST=" ", DATABASE_URL="", METRICS="") == read()


def test_the_demo_follows_the_port_and_can_be_left_out() -> None:
    assert read(PORT="9000").demo_port == 9001
    assert read(PORT="65535").demo_port == 65534
    assert read(DEMO_PORT="off").demo_url is None
    assert read(PUBLIC_URL="https://help.example.com/").public_url == "https://help.example.com"


def test_trusted_proxies_are_addresses_and_networks() -> None:
    trusted = read(TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/24  fd00::/64").trusted_proxies
    assert [str(one) for one in trusted.networks] == ["127.0.0.1/32", "10.0.0.0/24", "fd00::/64"]
    assert read().trusted_proxies.networks == ()


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"PUBLIC_URL": "https://help.example.com"}, "PUBLIC_URL"),
        ({"HOST": "0.0.0.0"}, "HOST"),
        ({"DEMO": "off"}, "DEMO"),
        ({"DEMO_PORT": "off"}, "DEMO_PORT"),
    ],
)
def test_the_demo_is_off_where_the_installation_is_for_others(environ: dict[str, str], why: str) -> None:
    settings = read(**environ)
    assert (settings.demo_port, settings.demo_url, settings.demo_off_since) == (None, None, why)


def test_the_demo_is_off_beside_an_application_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("hosts: {}")
    settings = read(FIRSTLINE_HOME=str(tmp_path), DEMO_PORT="9001")
    assert (settings.demo_port, settings.demo_off_since) == (None, "hosts.yml")
    forced = read(FIRSTLINE_HOME=str(tmp_path), DEMO="on")
    assert (forced.demo_port, forced.demo_forced) == (8081, True)


def test_the_demo_listens_to_this_machine_unless_it_is_asked_for() -> None:
    assert read(DEMO="on", HOST="0.0.0.0").demo_host == "0.0.0.0"
    assert read(PUBLIC_URL="http://localhost:9000").demo_host == "127.0.0.1"
    plain = read(DEMO="on")
    assert (plain.demo_forced, plain.demo_host) == (False, "127.0.0.1"), "nothing is forced on a first look"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "eighty"),
        ("PORT", "-1"),
        ("PORT", "8080.5"),
        ("PORT", "٨٠٨٠"),
        ("DEMO_PORT", "8080"),
        ("DEMO_PORT", "of"),
        ("RASA_PORT", "x"),
        ("HOST", "not a host"),
        ("HOST", "http://127.0.0.1"),
        ("PUBLIC_URL", "help.example.com"),
        ("PUBLIC_URL", "ftp://help.example.com"),
        ("PUBLIC_URL", "https://help.example.com/?x=1"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_URL", "postgresql://u:p@h:port/d"),
        ("REDIS_URL", "http://h"),
        ("REDIS_URL", "redis://h:6379/first"),
        ("METRICS", "everybody"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("DEMO", "maybe"),
        ("LOG_LEVEL", "loud"),
        ("FIRSTLINE_HOME", __file__),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(**{name: value})
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", ["PORT", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "HOST", "METRICS"])
def test_what_is_refused_is_not_repeated(name: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(**{name: "ftp://user:hunter2@h"})
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


@given(st.dictionaries(st.sampled_from(["PORT", "HOST", "PUBLIC_URL", "DATABASE_URL"]), st.text()))
def test_any_text_gives_settings_or_a_sentence(environ: dict[str, str]) -> None:
    try:
        port = read(**environ).port
    except BadSetting:
        port = 1
    assert 1 <= port <= 65535


@pytest.mark.parametrize(
    ("given_url", "wanted"),
    [
        ("postgres://u:p@h:5433/d", "postgresql+asyncpg://u:p@h:5433/d"),
        ("postgresql://u:p%40@h/d?sslmode=require", "postgresql+asyncpg://u:p%40@h/d?ssl=require"),
        ("postgresql+psycopg://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql:///d?host=/run/pg", "postgresql+asyncpg:///d?host=%2Frun%2Fpg"),
        ("postgres://h", "postgresql+asyncpg://h/postgres"),
    ],
)
def test_every_usual_form_of_a_database_url_is_understood(given_url: str, wanted: str) -> None:
    assert normalise_database_url(given_url).replace("host=/run/pg", "host=%2Frun%2Fpg") == wanted


def test_urls_with_passwords_do_not_show_when_settings_are_printed() -> None:
    settings = read(DATABASE_URL="postgres://u:hunter2@h/d", REDIS_URL="redis://:hunter2@h")
    assert "hunter2" not in repr(settings)


def test_children_get_the_path_and_no_secrets() -> None:
    settings = read(PATH="/bin", DATABASE_URL="postgres://u:p@h/d", AWS_SECRET_ACCESS_KEY="s", LANG="C")
    assert dict(settings.child_environment) == {"PATH": "/bin", "LANG": "C"}
