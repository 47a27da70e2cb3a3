"""How scenarios are played and judged, in a small world without a product."""

import asyncio
import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.scenarios import report
from bot.scenarios.loader import FoundScenario, load
from bot.scenarios.ports import Broken, HostReport, Logged, MadeUser, PlayedTurn, Rates
from bot.scenarios.runner import Player, ScenarioRun, World
from bot.scenarios.vocabulary import Vocabulary

SAMPLE: dict[str, Any] = {"account": {"locked": True, "note": None}, "orders": [{"number": "K-1"}]}
WORDS = Vocabulary.of({"ada": ""}, [SAMPLE], {"unlock": "", "refund": ""})
YES = {"title": "Yes, unlock it", "payload": "/affirm"}


@dataclass
class SmallWorld:
    """Host, product and log in one: "locked" is diagnosed, a yes unlocks, "person" hands over."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    ran: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    queue: set[str] = field(default_factory=set)
    claimed: bool = False
    faults: dict[str, Rates] = field(default_factory=dict)
    busy: int = 0
    most_busy: int = 0

    async def make_user(self, like: str, name: str | None, state: Mapping[str, Any]) -> MadeUser:
        if state.get("account", {}).get("note") == "impossible":
            raise Broken("POST /demo/users: 400, note cannot be that")
        ref = f"usr_{len(self.users)}"
        self.users[ref] = copy.deepcopy(SAMPLE) | copy.deepcopy(dict(state))
        self.ran[ref] = []
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        return MadeUser(ref, f"{ref}@x", copy.deepcopy(self.users[ref]))

    async def change(self, ref: str, state: Mapping[str, Any]) -> None:
        self.users[ref].update(copy.deepcopy(dict(state)))

    async def report(self, ref: str) -> HostReport:
        return HostReport(copy.deepcopy(self.users[ref]), list(self.ran[ref]))

    async def token(self, ref: str) -> str:
        return "t"

    async def confirm_second_factor(self, ref: str) -> None:
        self.users[ref]["account"]["note"] = "confirmed"

    async def misbehave(self, ref: str, rates: Rates, hang_seconds: float) -> None:
        self.faults[ref] = rates

    async def remove_user(self, ref: str) -> None:
        self.removed.append(ref)
        self.busy -= 1

    async def begin(self, user: MadeUser, page: Mapping[str, str]) -> "SmallChat":
        return SmallChat(self, user.ref)

    async def of(self, conversation: str) -> Logged:
        outcome = "verified" if self.ran[conversation] else "open"
        return Logged([{"kind": "workflow", "name": "unlock_account", "outcome": outcome}], outcome)


@dataclass
class SmallChat:
    world: SmallWorld
    conversation: str

    async def say(self, text: str, choice: str | None = None) -> PlayedTurn:
        ref = self.conversation
        await asyncio.sleep(0)
        if choice == "/affirm":
            self.world.users[ref]["account"]["locked"] = False
            self.world.ran[ref].append({"operation": "unlock", "status": "done"})
            card = {"type": "resolution", "workflow": "unlock_account", "outcome": "verified", "facts": []}
            return PlayedTurn(["It’s open   again."], cards=[card])
        if "person" in text:
            return await self.ask_for_person()
        if text == "silence":
            raise Broken("no answer within 60 s")
        return PlayedTurn(
            [f"You wrote: {text}", "Your account is locked."], [YES, {"title": "Not now", "payload": "/deny"}]
        )

    async def leave_queue(self) -> None:
        assert self.conversation not in self.world.removed, "who is gone cannot leave the queue"
        if self.world.claimed:
            raise Broken("409, a person has your request")
        self.world.queue.discard(self.conversation)

    async def ask_for_person(self) -> PlayedTurn:
        self.world.queue.add(self.conversation)
        return PlayedTurn(["Passing on."], handed_off=True)


async def play(tmp_path: Path, text: str, world: SmallWorld | None = None) -> ScenarioRun:
    world = world or SmallWorld()
    (found,) = read(tmp_path, text)
    run = await Player(World(world, world, world)).play(found)
    assert world.removed == list(world.users)
    return run


def read(tmp_path: Path, text: str) -> list[FoundScenario]:
    file = tmp_path / "s.yml"
    file.write_text(text)
    loaded = load(file, WORDS)
    assert not loaded.problems, loaded.problems
    return loaded.scenarios


async def test_a_scenario_that_holds_passes(tmp_path: Path) -> None:
    run = await play(tmp_path, """
scenario: s
user: {like: ada, state: {orders: [{number: K-2}]}}
steps:
  - say: locked out, and ${orders[0].number}?
    expect:
      reply: {contains: ["you wrote: LOCKED out, and k-2?"], any_of: [nope, is locked], not_contains: trace}
      buttons: {include: ["yes, *", Not now], exclude: Refund}
      handed_off: false
      silent: false
      no_card: "*"
  - choose: yes, *
    expect: {reply: "it's open again", cards: {type: resolution, outcome: verified}, buttons: {none: true}}
  - confirm_second_factor: true
  - until: {state: {account.note: confirmed}}
end:
  state:
    account.locked: false
    account.note: {changed: true, exists: true, contains: confirm, not: other, one_of: [x, confirmed]}
    orders: {unchanged: true}
    orders.count: {less_than: 2, more_than: 0, at_least: 1, at_most: 1}
    orders[number=K-2].number: ${orders[0].number}
  operations: [unlock: done]
  attempts: [{name: unlock_account, outcome: verified}]
  outcome: [assumed, verified]
  handed_off: false
never: {operations: refund, texts: traceback, changes: orders, handed_off: true}
""")  # fmt: skip
    assert run.failures == ()


@pytest.mark.parametrize(
    ("rest", "turn", "check", "seen"),
    [
        ("steps: [{say: x, expect: {reply: {contains: [you, ops]}}}]", 1, "reply.contains", "You wrote: x"),
        ("steps: [{say: x, expect: {reply: {any_of: [a1, b1]}}}]", 1, "reply.any_of", "You wrote: x"),
        ("steps: [{say: x, expect: {reply: {not_contains: LOCKED}}}]", 1, "reply.not_contains", "locked"),
        ("steps: [{say: x, expect: {reply: {matches: ^z}}}]", 1, "reply.matches", "You"),
        ("steps: [{say: x, expect: {buttons: Yes}}]", 1, "buttons.include", "Yes, unlock it"),
        ("steps: [{say: x, expect: {buttons: {exclude: Not *}}}]", 1, "buttons.exclude", "Not now"),
        ("steps: [{say: x, expect: {buttons: {none: true}}}]", 1, "buttons.none", "Not now"),
        ("steps: [{say: x, expect: {cards: resolution}}]", 1, "cards", "[]"),
        ("steps: [{say: x, expect: {handed_off: true}}]", 1, "handed_off", "False"),
        ("steps: [{say: x, expect: {silent: true}}]", 1, "silent", "You wrote"),
        ("steps: [{say: x}, {choose: Refund, expect: {silent: false}}]", 2, "choose", "Yes, unlock it"),
        ("steps: [{say: silence, expect: {silent: false}}]", 1, "say", "no answer within"),
        ("steps: [{say: x}, {choose: Yes*, expect: {no_card: resolution}}]", 2, "no_card", "resolution"),
        ("steps: [{until: {state: {account.locked: false}, within: 1}}]", 1, "account.locked", "True"),
        ("steps: [{say: x}]\nend: {state: {account.locked: false}}", 1, "account.locked equals", "True"),
        ("steps: [{say: x}]\nend: {state: {account.locked: {changed: true}}}", 1, "changed", "True"),
        ("steps: [{say: x}]\nend: {state: {'orders[1].number': K-1}}", 1, "equals", "nothing there"),
        ("steps: [{say: x}]\nend: {state: {orders.count: {more_than: 1}}}", 1, "more_than", "1"),
        ("steps: [{say: x}]\nend: {state: {account.note: {exists: true}}}", 1, "exists", "None"),
        ("steps: [{say: x}]\nend: {state: {account.locked: 1}}", 1, "equals", "True"),
        ("steps: [{say: x}, {choose: Yes*}]\nend: {operations: []}", 2, "operations.exactly", "unlock: done"),
        ("steps: [{say: x}]\nend: {operations: {include: unlock}}", 1, "operations.include", "[]"),
        ("steps: [{say: x}, {choose: Yes*}]\nend: {operations: {at_most: {unlock: 0}}}", 2, "most", "unlock"),
        ("steps: [{say: x}]\nend: {outcome: verified}", 1, "outcome", "open"),
        ("steps: [{say: x}]\nend: {attempts: [{name: other, outcome: open}]}", 1, "attempts", "unlock_"),
        ("steps: [{say: person}]\nend: {handed_off: false}", 1, "handed_off", "True"),
        ("steps: [{say: person}]\nnever: {handed_off: true}", 1, "never.handed_off", "person"),
        ("steps: [{say: x}]\nnever: {texts: you wrote}", 1, "never.texts", "You wrote"),
        ("steps: [{say: x}, {choose: Yes*}]\nnever: {operations: unlock}", 2, "never.operations", "unlock"),
        ("steps: [{say: x}, {choose: Yes*}]\nnever: {changes: account}", 2, "never.changes", "False"),
        ("user: {state: {account: {note: impossible}}, like: ada}\nsteps: [{say: x}]\nend: {outcome: open}",
         0, "begins", "note cannot be that"),
    ],
)  # fmt: skip
async def test_what_does_not_hold_is_told(
    tmp_path: Path, rest: str, turn: int, check: str, seen: str
) -> None:
    run = await play(tmp_path, f"scenario: s\n{rest if 'user:' in rest else 'user: ada' + chr(10) + rest}\n")
    assert len(run.failures) == 1, run.failures
    failure = run.failures[0]
    assert failure.turn == turn
    assert check in failure.check
    assert seen in str(failure.seen)


@pytest.mark.parametrize("claimed", [False, True])
async def test_a_user_leaves_the_queue_before_it_is_removed(tmp_path: Path, claimed: bool) -> None:
    world = SmallWorld(claimed=claimed)
    step = "  - say: a person please\n    expect: {handed_off: true}\n"
    text = "scenario: asks\nuser: {like: ada}\nsteps:\n" + step
    await play(tmp_path, text, world)
    assert world.removed
    assert world.queue == ({*world.removed} if claimed else set())


async def test_after_a_failed_step_only_safety_is_looked_at(tmp_path: Path) -> None:
    run = await play(
        tmp_path,
        """
scenario: s
user: ada
steps: [{say: x}, {choose: Yes*, expect: {reply: nope}}, {say: never said}]
end: {state: {account.locked: true}}
never: {operations: unlock}
""",
    )
    assert [one.check for one in run.failures] == ["reply.contains", "never.operations"]


async def test_all_are_played_shuffled_by_the_seed_and_never_too_many_at_once(tmp_path: Path) -> None:
    text = "---\n".join(
        f"scenario: s{n}\nuser: ada\nsteps: [{{say: x}}]\nend: {{handed_off: false}}\n" for n in range(6)
    )
    found = read(tmp_path, text)

    async def order(seed: int) -> tuple[list[tuple[str, int]], SmallWorld]:
        world = SmallWorld()
        told: list[ScenarioRun] = []
        runs = await Player(World(world, world, world)).play_all(
            found, repeats=3, seed=seed, jobs=1 if seed else 2, tell=told.append
        )
        assert told == runs
        return [(run.found.scenario.scenario, run.repeat) for run in runs], world

    first, again, other = await order(7), await order(7), await order(8)
    assert first[0] == again[0]
    assert first[0] != other[0]
    assert sorted(first[0]) == sorted((f"s{n}", repeat) for n in range(6) for repeat in (1, 2, 3))
    assert (await order(0))[1].most_busy == 2
    assert first[1].most_busy == 1


async def test_the_report_counts_runs_and_scenarios_and_is_json(tmp_path: Path) -> None:
    found = read(tmp_path, "scenario: a\nuser: ada\nsteps: [{say: x}]\nend: {outcome: open}\n---\n"
                 "scenario: b\nuser: ada\nsteps: [{say: x}]\nend: {outcome: verified}\n")  # fmt: skip
    world = SmallWorld()
    runs = await Player(World(world, world, world)).play_all(found, repeats=2, seed=1, jobs=4)
    result = json.loads(json.dumps(report.as_json(runs, seed=1, jobs=4, repeats=2, seconds=1.0)))
    expected = {"ok": False, "scenarios": 2, "runs": 4, "passed": 2, "failed": 2, "passed_every_repeat": 1,
                "pass_rate_of_one": 0.5, "pass_rate_of_all": 0.5, "repeats": 2, "seed": 1}  # fmt: skip
    assert {name: result[name] for name in expected} == expected
    assert [(one["scenario"], one["repeat"], one["turn"]) for one in result["failures"]] == [
        ("b", 1, 1),
        ("b", 2, 1),
    ]
    assert "outcome" in "\n".join(report.explain(next(run for run in runs if not run.passed)))
