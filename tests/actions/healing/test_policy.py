"""The policy file: what it allows, and what it says about mistakes in it."""

import os
from pathlib import Path

import pytest

from actions.framework.registry import Registry
from actions.healing.policy import HealingPolicyFile, HealingPolicyInvalid, bucket, parse
from tests.actions.healing.workflows import REGISTRY

GOOD = b"""
enabled: true
workflows:
  resync_preferences: {mode: apply, for: {share: 50, hosts: [kettle]}}
  restart_export: {mode: off}
"""


def test_the_policy_of_the_product_fits_its_workflows() -> None:
    path = Path("data/policies/self_healing.yml")
    policy = parse(path.read_bytes(), path.name, Registry.load())
    assert policy.enabled


def test_off_is_a_word_and_unnamed_workflows_are_off() -> None:
    policy = parse(GOOD, "p.yml", REGISTRY)
    assert policy.rules("restart_export").mode == "off"
    assert policy.excluded("restart_export", "kettle", "usr_1", None) == "off"
    assert policy.excluded("never_heard_of", "kettle", "usr_1", None) == "off"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (b"enabled: maybe", "enabled:"),
        (b"nonsense: 1\nenabled: true", "nonsense:"),
        (b"enabled: true\nenabled: false", "p.yml:2: "),
        (b"enabled: [", "p.yml:1: "),
        (b"- enabled", "the file:"),
        (b"", "the file:"),
        (b"enabled: true\nlimits: {per_hour: -1}", "limits.per_hour:"),
        (b"enabled: true\nlimits: {per_hour: '10'}", "limits.per_hour:"),
        (b"enabled: true\nbreaker: {window: 3, failures: 4}", "breaker.failures: cannot be more"),
        (b"enabled: true\nworkflows: {nothing_like_it: {mode: apply}}", "there is no such workflow"),
        (b"enabled: true\nworkflows: {resync_preferences: {mode: sometimes}}", "resync_preferences.mode:"),
        (b"enabled: true\nworkflows: {resync_preferences: {for: {share: 101}}}", "for.share:"),
        (b"enabled: true\nworkflows: {pause_plan: {mode: apply}}", "only workflows of low risk"),
        (b"enabled: true\nworkflows: {not_by_itself: {mode: dry_run}}", "has no trigger `drift`"),
    ],
)
def test_a_mistake_is_named_with_its_place(change: bytes, said: str) -> None:
    with pytest.raises(HealingPolicyInvalid) as caught:
        parse(change, "p.yml", REGISTRY)
    assert said in caught.value.message


def test_for_whom() -> None:
    content = b"""
enabled: true
workflows:
  resync_preferences:
    mode: apply
    for: {hosts: [kettle], refs: [usr_1, usr_2, usr_3], except_refs: [usr_2], plans: [Espresso]}
"""
    policy = parse(content, "p.yml", REGISTRY)

    def why(host: str, ref: str, plan: str | None) -> str | None:
        return policy.excluded("resync_preferences", host, ref, plan)

    assert why("kettle", "usr_1", "Espresso") is None
    assert why("other", "usr_1", "Espresso") == "not_this_application"
    assert why("kettle", "usr_2", "Espresso") == "not_this_user"
    assert why("kettle", "usr_9", "Espresso") == "not_this_user"
    assert why("kettle", "usr_3", "Filter") == "not_this_plan"
    assert why("kettle", "usr_3", None) == "not_this_plan"


def test_a_growing_share_keeps_its_users_and_is_about_as_large_as_it_says() -> None:
    refs = [f"usr_{number}" for number in range(2000)]
    places = {ref: bucket("resync_preferences", "kettle", ref) for ref in refs}
    assert all(0 <= place < 100 for place in places.values())
    for share in (5, 25, 60):
        assert abs(sum(place < share for place in places.values()) / 20 - share) < 4
    other = [bucket("restart_export", "kettle", ref) < 25 for ref in refs]
    assert other != [places[ref] < 25 for ref in refs], "each workflow draws its own users"


def test_the_file_is_read_again_when_it_changes_and_a_broken_one_stops_healing(tmp_path: Path) -> None:
    path = tmp_path / "self_healing.yml"
    file = HealingPolicyFile(path, REGISTRY)
    assert file.current() is None
    assert "cannot be read" in (file.problem or "")
    path.write_bytes(GOOD)
    first = file.current()
    assert first is not None
    assert first.enabled
    path.write_bytes(GOOD.replace(b"true", b"false"))
    os.utime(path, ns=(1, 1))
    second = file.current()
    assert second is not None
    assert not second.enabled
    assert second.digest != first.digest
    path.write_bytes(b"enabled: 3")
    assert file.current() is None
    assert "enabled" in (file.problem or "")
    with pytest.raises(HealingPolicyInvalid):
        file.required()
    path.write_bytes(GOOD)
    os.utime(path, ns=(2, 2))
    assert file.current() == first


def test_a_deployment_may_have_a_file_of_its_own(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped.yml", tmp_path / "own.yml"
    shipped.write_bytes(GOOD)
    file = HealingPolicyFile(shipped, REGISTRY, own)
    assert file.required().rules("resync_preferences").mode == "apply"
    own.write_bytes(GOOD.replace(b"mode: apply", b"mode: dry_run"))
    assert file.required().rules("resync_preferences").mode == "dry_run"
    own.unlink()
    assert file.required().rules("resync_preferences").mode == "apply"
