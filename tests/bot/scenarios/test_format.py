"""What a scenario file may hold; everything wrong is found at once, with its line and what is allowed."""

from pathlib import Path

import pytest

from bot.scenarios.format import Scenario
from bot.scenarios.loader import Loaded, load
from bot.scenarios.vocabulary import Vocabulary
from foundation.errors import InvalidInput

STATE = {
    "account": {"locked": True, "lock_reason": None, "failed_sign_ins": 6},
    "orders": [{"number": "K-1", "items": ["Huila"]}],
    "billing": {"invoices": [{"number": "INV-1", "status": "paid"}]},
}
WORDS = Vocabulary.of(
    {"ada": "locked", "hana": "all is well"}, [STATE], {"unlock_account": "Unlock", "refund": "R"}
)


@pytest.fixture
def read(tmp_path: Path):
    def reading(text: str) -> Loaded:
        file = tmp_path / "one.yml"
        file.write_text(text)
        return load(file, WORDS)

    return reading


def said(loaded: Loaded) -> list[tuple[int, str]]:
    return [(problem.line, problem.text) for problem in loaded.problems]


GOOD = """
- scenario: One that uses everything
  about: for people
  tags: [account, happy]
  user:
    like: ada
    name: Ada Other
    state: {account: {locked: true}, orders: [{number: K-77, items: []}]}
  page: {url: "https://kettle.example/sign-in", title: Sign in}
  steps:
    - say: no
      expect:
        reply: {contains: locked, any_of: [a, b], not_contains: stack, matches: "[0-9]+"}
        buttons: {include: "Yes, *", exclude: [Delete], none: false}
        cards: [{type: resolution, workflow: unlock_account, outcome: verified, title: x, contains: open}]
        no_card: article
        handed_off: false
        silent: false
    - choose: Yes, *
    - faults: {on: {unlock_account: lie, state: {error: 0.5}}, hang_seconds: 2}
    - faults: none
    - host: {account: {locked: false}}
    - confirm_second_factor: true
    - until: {state: {account.locked: false}, within: 5}
    - new_conversation: true
    - say: "${orders[0].number} please"
    - ask_for_person: true
  end:
    state:
      account.locked: false
      account.failed_sign_ins: {changed: true, less_than: 7, at_least: 0}
      orders.count: {equals: 1}
      billing.invoices[status=paid].number: {exists: true, not: x, one_of: [INV-1], matches: INV}
    operations: {exactly: [unlock_account: done], include: unlock_account, at_most: {refund: 0}}
    attempts: [{name: unlock_account, kind: workflow, outcome: [verified, assumed]}]
    outcome: verified
    handed_off: true
  never:
    operations: refund
    texts: [traceback]
    changes: [billing, "orders[0].number"]
    handed_off: true
"""


def test_everything_at_once_is_valid(read) -> None:
    loaded = read(GOOD)
    assert said(loaded) == []
    (found,) = loaded.scenarios
    assert found.line == 2
    assert found.scenario.steps[0].say == "no"
    assert found.scenario.steps[0].expect.reply.contains == ["locked"]
    assert found.scenario.steps[2].faults.on == {"unlock_account": {"lie": 1.0}, "state": {"error": 0.5}}
    assert found.scenario.end.operations.exactly[0].status == "done"


@pytest.mark.parametrize("form", ["{one}", "{one}\n---\n{two}", "- {one}\n- {two}"])
def test_one_several_and_documents(read, form: str) -> None:
    one = "{scenario: a, steps: [{say: hi}], end: {handed_off: false}}"
    two = "{scenario: b, steps: [{say: hi}], end: {handed_off: false}}"
    loaded = read(form.replace("{one}", one).replace("{two}", two))
    assert said(loaded) == []
    assert [found.scenario.scenario for found in loaded.scenarios] == ["a", "b"][: 1 + ("two" in form)]


def scenario(rest: str) -> str:
    return f"scenario: s\nsteps: [{{say: hi}}]\nnever: {{texts: x}}\n{rest}"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (scenario("endd: {}"), 4, ['no key "endd"', 'did you mean "end"', "never"]),
        (scenario("user: {like: adda}"), 4, ['no sample user "adda"', 'did you mean "ada"', "hana"]),
        (scenario("user:\n  state:\n    account: {lockd: true}"), 6, ['account has no "lockd"', "locked"]),
        (scenario("user:\n  state:\n    orders:\n      - number: 1\n      - nmber: 1"), 8, ["number"]),
        (scenario("user: {state: {account: [1]}}"), 4, ["account is no list"]),
        (scenario("end:\n  state:\n    account.lockd: true"), 6, ['"lockd"', 'did you mean "locked"']),
        (scenario("end:\n  state:\n    orders.number: K-1"), 6, ["orders is a list", "[0]"]),
        (scenario("end:\n  state:\n    orders[0.number: K-1"), 6, ["is no path"]),
        (scenario("end:\n  state:\n    account.locked: changed"), 6, ["{changed: true}"]),
        (scenario("end:\n  state:\n    account.locked: {chnged: true}"), 6, ['did you mean "changed"']),
        (scenario("end:\n  state:\n    account.locked: {}"), 6, ["say what it must be"]),
        (scenario("end: {outcome: verifed}"), 4, ["must be one of", "verified", "abandoned"]),
        (scenario("end: {operations: [unlock]}"), 4, ['no operation "unlock"', 'mean "unlock_account"']),
        (scenario("end: {operations: [{unlock_account: ok}]}"), 4, ["done", "refused"]),
        (scenario("end: {handed_off: yes}"), 4, ["must be true or false"]),
        (scenario("tags: [a]\ntags: [b]"), 5, ['"tags" is here twice', "line 4"]),
        (scenario("about: ${orders[0].nmber}"), 4, ["${orders[0].nmber}", "number"]),
        (scenario("user: {state: {account: {locked: '@today-3y'}}}"), 4, ["@today-3d"]),
        (scenario("never:\n  changes: [billing]"), 4, ['"never" is here twice']),
        ("scenario: s\nsteps: []\nend: {handed_off: true}", 2, ["steps must not be empty"]),
        ("scenario: s\nsteps: [{say: hi}]", 1, ["nothing is checked"]),
        ("steps: [{say: hi}]\nend: {handed_off: true}", 1, ["scenario", "missing"]),
        ("scenario: s\nsteps:\n - say: a\n   choose: b\nend: {handed_off: true}", 3, ["exactly one of"]),
        ("scenario: s\nsteps:\n - expect: {silent: true}\n", 3, ["exactly one of", "has none"]),
        ("scenario: s\nsteps:\n - host: {}\n   expect: {silent: true}\n", 3, ["expect goes with"]),
        ("scenario: s\nsteps:\n - faults: {on: {refnd: lie}}\n", 3, ['mean "refund"']),
        ("scenario: s\nsteps:\n - faults: {on: {refund: break}}\n", 3, ['"break"', "hang_after"]),
        ("scenario: s\nsteps:\n - say: x\n   expect: {reply: {matches: '('}}\n", 4, ["regular expression"]),
        ("scenario: s\nsteps:\n - confirm_second_factor: false\n", 3, ["can only be true"]),
        ("scenario: [1\n", 2, ["no YAML"]),
        ("just words", 1, ["a scenario is a mapping"]),
        ("# nothing\n", 1, ["holds no scenario"]),
    ],
)
def test_what_is_wrong_is_said_with_its_line(read, text: str, line: int, words: list[str]) -> None:
    found = said(read(text))
    assert any(number == line and all(word in text for word in words) for number, text in found), found


def test_all_problems_come_at_once(read) -> None:
    loaded = read(
        "scenario: s\nuser: {like: x}\nstps: []\nsteps:\n - say: true\nend:\n  state: {account.x: 1}\n"
        "---\nscenario: s2\nstep: []\n"
    )
    assert [line for line, _ in said(loaded)] == [2, 3, 5, 7, 9, 10]


def test_names_are_unique_across_files(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yaml"):
        (tmp_path / name).write_text("scenario: same\nsteps: [{say: x}]\nend: {handed_off: true}\n")
    (problem,) = load(tmp_path, WORDS).problems
    assert problem.file.endswith("b.yaml")
    assert "a.yml:1" in problem.text


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no scenario"):
        load(tmp_path, WORDS)


@pytest.mark.parametrize(
    "text", ["a: &a [x]\nb: [" + "*a, " * 90_000 + "*a]", "[" * 2000, "\x00", "a: !!python/x 1"]
)
def test_hostile_files_are_refused_and_do_no_harm(read, text: str) -> None:
    assert said(read(text))


def test_words_of_yaml_1_1_and_dates_stay_words(read) -> None:
    loaded = read(
        "scenario: on\nsteps: [{say: no}, {say: yes}, {say: 20450}, {say: 007}]\n"
        "end: {state: {account.lock_reason: 2026-01-31}}\n"
    )
    assert said(loaded) == []
    made: Scenario = loaded.scenarios[0].scenario
    assert [step.say for step in made.steps] == ["no", "yes", "20450", "007"]
    assert made.end.state["account.lock_reason"].equals == "2026-01-31"
