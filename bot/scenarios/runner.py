"""Plays scenarios: several at once, shuffled, each with a user of its own."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from bot.scenarios import comparison, paths, values
from bot.scenarios.comparison import Difference
from bot.scenarios.format import End, Never, Scenario, Step, Until
from bot.scenarios.loader import FoundScenario
from bot.scenarios.ports import (
    AttemptEvidence,
    Broken,
    Chat,
    HostApplication,
    HostReport,
    MadeUser,
    PlayedTurn,
    Product,
)

SCENARIO_SECONDS = 600.0
_POLL = 0.2


@dataclass(frozen=True)
class Failure:
    """One check that failed. `turn` is the number of the step, from 1; the end counts as after the last."""

    turn: int
    phase: str
    said: str
    check: str
    expected: Any
    seen: Any


@dataclass(frozen=True)
class ScenarioRun:
    """One scenario, played once."""

    found: FoundScenario
    repeat: int
    seconds: float
    failures: tuple[Failure, ...] = ()
    transcript: tuple[dict[str, Any], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


@dataclass(frozen=True)
class World:
    """What scenarios are played against."""

    host: HostApplication
    product: Product
    evidence: AttemptEvidence


@dataclass
class _Play:
    """The state of one scenario while it is played."""

    user: MadeUser
    chat: Chat
    now: datetime
    turns: list[PlayedTurn] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)

    def filled(self, form: Any) -> Any:
        """Fill placeholders and moments into a model."""
        raw = values.fill(form.model_dump(by_alias=True, exclude_unset=True), self.user.state, self.now)
        return type(form).model_validate(raw)


class Player:
    """Plays scenarios in a world."""

    def __init__(self, world: World, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._world = world
        self._clock = clock

    async def play_all(
        self,
        scenarios: Sequence[FoundScenario],
        *,
        repeats: int,
        seed: int,
        jobs: int,
        tell: Callable[[ScenarioRun], None] = lambda run: None,
    ) -> list[ScenarioRun]:
        """Play each scenario `repeats` times in one shuffled order, at most `jobs` at once."""
        queue = [(found, repeat) for repeat in range(1, repeats + 1) for found in scenarios]
        random.Random(seed).shuffle(queue)  # noqa: S311 - an order, no secret
        runs: list[ScenarioRun] = []
        waiting = iter(queue)

        async def work() -> None:
            for found, repeat in waiting:
                run = await self.play(found, repeat)
                runs.append(run)
                tell(run)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, len(queue))):
                group.create_task(work())
        return runs

    async def play(self, found: FoundScenario, repeat: int = 1) -> ScenarioRun:
        """Play one scenario once; whatever happens, its user leaves the queue and is removed."""
        started = monotonic()
        scenario = found.scenario
        made: MadeUser | None = None
        chat: Chat | None = None
        transcript: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(SCENARIO_SECONDS):
                state = values.fill(scenario.user.state, {}, self._clock())
                made = await self._world.host.make_user(scenario.user.like, scenario.user.name, state)
                page = scenario.page.model_dump(exclude_unset=True)
                chat = await self._world.product.begin(made, page)
                play = _Play(made, chat, self._clock())
                play.transcript = transcript
                failures = await self._steps(scenario, play)
        except (Broken, values.CannotFill, TimeoutError) as error:
            failures = [
                Failure(0, "start", "", "the scenario begins", "a user and a conversation", str(error))
            ]
        finally:
            if made is not None:
                await self._remove(made, chat)
        return ScenarioRun(found, repeat, monotonic() - started, tuple(failures), tuple(transcript))

    async def _remove(self, made: MadeUser, chat: Chat | None) -> None:
        # First the queue: agents are not called by users that are gone, and who is gone cannot leave it.
        if chat is not None:
            with contextlib.suppress(Broken, TimeoutError):
                async with asyncio.timeout(20):
                    await chat.leave_queue()
        try:
            async with asyncio.timeout(20):
                await self._world.host.remove_user(made.ref)
        except (Broken, TimeoutError):
            return  # A user left behind disturbs nobody; the next reset of the demo data removes it.

    async def _steps(self, scenario: Scenario, play: _Play) -> list[Failure]:
        failures: list[Failure] = []
        number = 0
        for number, step in enumerate(scenario.steps, 1):
            failures = await self._step(scenario, step, number, play)
            if failures:
                break
        last = len(scenario.steps) if not failures else number
        try:
            differences = await self._ending(scenario, play, whole=not failures)
        except (Broken, values.CannotFill) as error:
            differences = [Difference("the end is looked at", "an answer", str(error))]
        return failures + [Failure(last, "end", "", d.check, d.expected, d.seen) for d in differences]

    async def _step(self, scenario: Scenario, step: Step, number: int, play: _Play) -> list[Failure]:
        said = ""
        try:
            filled: Step = play.filled(step)
            said = _spoken(filled)
            differences = await self._do(scenario, filled, play)
        except (Broken, values.CannotFill) as error:
            differences = [Difference(step.action, "that it works", str(error))]
        return [Failure(number, "step", said, d.check, d.expected, d.seen) for d in differences]

    async def _do(self, scenario: Scenario, step: Step, play: _Play) -> list[Difference]:
        host, ref = self._world.host, play.user.ref
        if step.action in ("say", "choose", "ask_for_person"):
            return await self._speak(scenario, step, play)
        if step.host is not None:
            await host.change(ref, step.host)
        elif step.faults is not None:
            await host.misbehave(ref, step.faults.on, step.faults.hang_seconds)
        elif step.confirm_second_factor:
            await host.confirm_second_factor(ref)
        elif step.new_conversation:
            play.chat = await self._world.product.begin(play.user, {})
            play.turns.clear()
        elif step.until is not None:
            return await self._wait(step.until, play)
        return []

    async def _speak(self, scenario: Scenario, step: Step, play: _Play) -> list[Difference]:
        if step.choose is not None:
            button = _button(step.choose, play.turns)
            if button is None:
                offered = [one["title"] for turn in play.turns[-1:] for one in turn.buttons]
                return [Difference("choose", step.choose, offered)]
            turn = await play.chat.say(button["title"], button["payload"])
        elif step.say is not None:
            turn = await play.chat.say(step.say)
        else:
            turn = await play.chat.ask_for_person()
        play.turns.append(turn)
        play.transcript.append(_line(_spoken(step), turn))
        differences = list(comparison.turn_differences(step.expect, turn)) if step.expect else []
        return differences + list(_never_said(play.filled(scenario.never), turn))

    async def _wait(self, until: Until, play: _Play) -> list[Difference]:
        deadline = asyncio.get_running_loop().time() + until.within
        while True:
            state = (await self._world.host.report(play.user.ref)).state
            differences = list(comparison.state_differences(until.state, play.user.state, state))
            if not differences or asyncio.get_running_loop().time() > deadline:
                return differences
            await asyncio.sleep(_POLL)

    async def _ending(self, scenario: Scenario, play: _Play, *, whole: bool) -> list[Difference]:
        """Compare the end; after a failure only what must never happen."""
        report = await self._world.host.report(play.user.ref)
        differences = list(_never_done(play.filled(scenario.never), play, report))
        if not whole:
            return differences
        end: End = play.filled(scenario.end)
        differences += comparison.state_differences(end.state, play.user.state, report.state)
        if end.operations is not None:
            differences += comparison.operation_differences(end.operations, report.operations)
        handed_off = bool(play.turns) and play.turns[-1].handed_off
        if end.handed_off is not None and end.handed_off != handed_off:
            differences.append(Difference("handed_off", end.handed_off, handed_off))
        if end.attempts or end.outcome:
            logged = await self._world.evidence.of(play.chat.conversation)
            differences += comparison.attempt_differences(end.attempts, logged.attempts)
            if end.outcome and logged.outcome not in end.outcome:
                differences.append(Difference("outcome", end.outcome, logged.outcome))
        return differences


def _line(said: str, turn: PlayedTurn) -> dict[str, Any]:
    return {
        "said": said,
        "replies": turn.texts,
        "buttons": [button["title"] for button in turn.buttons],
        "cards": [str(card.get("type")) for card in turn.cards],
        "handed_off": turn.handed_off,
    }


def _spoken(step: Step) -> str:
    return step.say or step.choose or step.action.replace("_", " ")


def _button(title: str, turns: Sequence[PlayedTurn]) -> dict[str, str] | None:
    for turn in reversed(turns):
        exact = [one for one in turn.buttons if comparison.plain(one["title"]) == comparison.plain(title)]
        for one in exact or [one for one in turn.buttons if comparison.fits(title, one["title"])]:
            return one
    return None


def _never_said(never: Never, turn: PlayedTurn) -> Iterator[Difference]:
    said = comparison.plain("\n".join(turn.texts))
    for text in never.texts:
        if comparison.plain(text) in said:
            yield Difference("never.texts", text, "\n".join(turn.texts))
    if never.handed_off and turn.handed_off:
        yield Difference("never.handed_off", "the assistant keeps the conversation", "handed to a person")


def _never_done(never: Never, play: _Play, report: HostReport) -> Iterator[Difference]:
    ran = [f"{one.get('operation')}: {one.get('status')}" for one in report.operations]
    for name in never.operations:
        if any(one.get("operation") == name for one in report.operations):
            yield Difference("never.operations", name, ran)
    for path in never.changes:
        at = paths.parse(path)
        was, value = paths.look_up(play.user.state, at), paths.look_up(report.state, at)
        if was != value:
            yield Difference("never.changes", {path: _shown(was)}, {path: _shown(value)})


def _shown(value: Any) -> Any:
    return value if isinstance(value, Mapping | list | str | int | float | None) else repr(value)
