"""The file of limits: the one that is shipped, and every way to get one wrong."""

from pathlib import Path

import pytest

from bot.conversation.limit_policy import LimitPolicy, LimitsInvalid

SHIPPED = Path("data/policies/limits.yml")


def test_the_shipped_file_names_every_value_and_is_what_holds_without_a_file(tmp_path) -> None:
    policy = LimitPolicy.load(tmp_path / "none.yml", SHIPPED)
    assert policy == LimitPolicy() == LimitPolicy.load(tmp_path / "none.yml")
    assert set(policy.model_fields_set) == set(LimitPolicy.model_fields)
    for name in LimitPolicy.model_fields:
        part = getattr(policy, name)
        assert part.model_fields_set == set(type(part).model_fields), name


def test_a_file_may_name_what_it_changes_alone(tmp_path) -> None:
    own = tmp_path / "limits.yml"
    own.write_text("messages:\n  rates: [5 per minute]\nsockets:\n")
    policy = LimitPolicy.load(own, SHIPPED)
    assert [(item.amount, item.get_expiry()) for item in policy.messages.items] == [(5, 60)]
    assert policy.sockets == LimitPolicy().sockets


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("messages: {rates: []}", "messages.rates"),
        ("messages: {rates: [0 per minute]}", "messages.rates.0"),
        ("messages: {rates: [many]}", "messages.rates.0"),
        ("messages: {rates: [5 per fortnight]}", "messages.rates.0"),
        ("messages: {rates: 5}", "messages.rates"),
        ("messages: 5", "messages"),
        ("sockets: {at_once: 0}", "sockets.at_once"),
        ("sockets: {at_once: '8'}", "sockets.at_once"),
        ("typing: {per_second: .nan}", "typing.per_second"),
        ("typing: {per_second: .inf}", "typing.per_second"),
        ("calls: {at_once: 1.5}", "calls.at_once"),
        ("secret-word: 1", "secret-word"),
        ("persons: {nobody: 1}", "persons.nobody"),
        ("[1]", "the file"),
        ("text", "the file"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place_and_a_hint(text, place) -> None:
    with pytest.raises(LimitsInvalid) as caught:
        LimitPolicy.parse(text.encode())
    assert f" {place}: " in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("raw", [b"a: [", b"\xff\xfe\x00", b"a: b: c", b"\t- x"])
def test_what_is_not_yaml_is_said_to_be_so(raw) -> None:
    with pytest.raises(LimitsInvalid, match=r"^limits\.yml:1: "):
        LimitPolicy.parse(raw)


def test_a_folder_in_its_place_is_said_to_be_unreadable(tmp_path) -> None:
    (tmp_path / "limits.yml").mkdir()
    with pytest.raises(LimitsInvalid, match="cannot be read"):
        LimitPolicy.load(tmp_path / "limits.yml", SHIPPED)
