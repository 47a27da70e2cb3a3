"""The policy of self-healing: self_healing.yml, checked strictly and read again when it changes.

A file that cannot be used stops self-healing and never the product: whoever looks is told what is wrong.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from actions.framework.registry import Registry
from actions.healing.domain import DRIFT, BreakerRules, Mode
from foundation import strict_yaml
from foundation.errors import FirstlineError, InvalidInput

log = structlog.get_logger(__name__)
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class HealingPolicyInvalid(FirstlineError):
    """self_healing.yml cannot be used; the message names each place and what is expected there."""

    status = 500
    code = "healing_policy_invalid"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ScanRules(_Strict):
    """How often everybody is looked at (0: never), how many at a time."""

    every_seconds: float = Field(default=900, ge=0, le=7 * 86_400)
    page_size: int = Field(default=100, ge=1, le=1000)
    concurrency: int = Field(default=4, ge=1, le=32)


class HealingLimits(_Strict):
    """How many acts there may be in any hour."""

    per_hour: int = Field(default=100, ge=0, le=1_000_000)
    per_user_per_hour: int = Field(default=2, ge=0, le=1000)


class BreakerSettings(_Strict):
    """When a fix stops itself: `failures` of the last `window` acts; tried again after `rest_seconds`."""

    window: int = Field(default=10, ge=1, le=1000)
    failures: int = Field(default=4, ge=1, le=1000)
    rest_seconds: float = Field(default=600, gt=0, le=7 * 86_400)


class Audience(_Strict):
    """Whom it is for. Lists that are left out mean everybody; `share` is the percentage of users."""

    hosts: tuple[Name, ...] | None = None
    share: float = Field(default=100, ge=0, le=100)
    refs: tuple[Name, ...] | None = None
    except_refs: tuple[Name, ...] = ()
    plans: tuple[Name, ...] | None = None


class WorkflowRules(_Strict):
    """What may be done with one workflow, and the sentence that tells the user afterwards."""

    mode: Mode = "off"
    audience: Audience = Field(default=Audience(), alias="for")
    per_hour: int | None = Field(default=None, ge=0, le=1_000_000)
    cool_down_seconds: float | None = Field(default=None, ge=0, le=30 * 86_400)
    breaker: BreakerSettings | None = None
    notice: str | None = Field(default=None, min_length=1, max_length=300)


class _File(_Strict):
    enabled: bool
    confirm_after_seconds: float = Field(default=20, ge=0, le=86_400)
    cool_down_seconds: float = Field(default=3600, ge=0, le=30 * 86_400)
    give_up_after_seconds: float = Field(default=86_400, ge=60, le=30 * 86_400)
    plan_at: str = Field(default="billing.plan", pattern=r"^[a-z_]+(\.[a-z_]+)+$")
    scan: ScanRules = ScanRules()
    limits: HealingLimits = HealingLimits()
    breaker: BreakerSettings = BreakerSettings()
    workflows: dict[Name, WorkflowRules] = Field(default_factory=dict)


@dataclass(frozen=True)
class HealingPolicy:
    """A policy that was checked. `digest` changes when it does."""

    file: _File
    digest: str

    @property
    def enabled(self) -> bool:
        """Whether anything may be applied at all."""
        return self.file.enabled

    @property
    def scan(self) -> ScanRules:
        """How everybody is looked at."""
        return self.file.scan

    @property
    def limits(self) -> HealingLimits:
        """How many acts there may be."""
        return self.file.limits

    @property
    def plan_at(self) -> str:
        """Where in the state the user's plan stands."""
        return self.file.plan_at

    @property
    def confirm_after(self) -> timedelta:
        """How long after the first look the second one is."""
        return timedelta(seconds=self.file.confirm_after_seconds)

    @property
    def give_up_after(self) -> timedelta:
        """How long a run may wait for its turn."""
        return timedelta(seconds=self.file.give_up_after_seconds)

    @property
    def needs_plan(self) -> bool:
        """Whether the user's plan has to be read."""
        return any(rules.audience.plans is not None for rules in self.file.workflows.values())

    def rules(self, workflow: str) -> WorkflowRules:
        """Return what may be done with a workflow; nothing, when the file does not name it."""
        return self.file.workflows.get(workflow, WorkflowRules())

    def breaker(self, workflow: str) -> BreakerRules:
        """Return when the workflow's breaker opens."""
        found = self.rules(workflow).breaker or self.file.breaker
        return BreakerRules(found.window, found.failures, timedelta(seconds=found.rest_seconds))

    def rest(self, workflow: str) -> timedelta:
        """Return how long a user is left alone after a run."""
        own = self.rules(workflow).cool_down_seconds
        return timedelta(seconds=self.file.cool_down_seconds if own is None else own)

    def excluded(self, workflow: str, host: str, ref: str, plan: object) -> str | None:
        """Say in one word why a user's drift is left alone; None when it is not."""
        rules = self.rules(workflow)
        audience = rules.audience
        if rules.mode == "off":
            return "off"
        if audience.hosts is not None and host not in audience.hosts:
            return "not_this_application"
        if ref in audience.except_refs or (audience.refs is not None and ref not in audience.refs):
            return "not_this_user"
        if audience.plans is not None and plan not in audience.plans:
            return "not_this_plan"
        return None if bucket(workflow, host, ref) < audience.share else "not_in_share"


def bucket(workflow: str, host: str, ref: str) -> float:
    """Put a user at a fixed place from 0 to 100 for a workflow, so that a growing share keeps its users."""
    found = hashlib.sha256(f"{workflow}\n{host}\n{ref}".encode()).digest()
    return int.from_bytes(found[:8], "big") / 2**64 * 100


def parse(content: bytes, name: str, registry: Registry) -> HealingPolicy:
    """Check the content of a policy file against the form and the workflows there are.

    Raises:
        HealingPolicyInvalid: naming each place that is wrong.
    """
    try:
        document = strict_yaml.load(content, name)
    except InvalidInput as error:
        raise HealingPolicyInvalid(error.message) from None
    try:
        file = _File.model_validate(_lists_as_tuples(document.value))
    except ValidationError as error:
        told = "; ".join(map(str, strict_yaml.lines_of(error, document, name)))
        raise HealingPolicyInvalid(f"{name} cannot be used. {told}.") from None
    problems = [
        problem for key, rules in file.workflows.items() for problem in _problems(key, rules, registry)
    ]
    if file.breaker.failures > file.breaker.window:
        problems.append("breaker.failures: cannot be more than breaker.window")
    if problems:
        raise HealingPolicyInvalid(f"{name} cannot be used. {'; '.join(problems)}.")
    return HealingPolicy(file, hashlib.sha256(content).hexdigest()[:16])


def _problems(workflow_id: str, rules: WorkflowRules, registry: Registry) -> list[str]:
    at = f"workflows.{workflow_id}"
    workflow = registry.get(workflow_id)
    if workflow is None:
        return [f"{at}: there is no such workflow; `firstline workflows` lists them"]
    problems = []
    if DRIFT not in workflow.meta.triggers:
        problems.append(f"{at}: this workflow has no trigger `{DRIFT}`, so it cannot be run by itself")
    if rules.mode == "apply" and workflow.meta.risk not in ("none", "low"):
        problems.append(f"{at}.mode: only workflows of low risk may be applied without the user")
    if rules.breaker is not None and rules.breaker.failures > rules.breaker.window:
        problems.append(f"{at}.breaker.failures: cannot be more than {at}.breaker.window")
    return problems


class HealingPolicyFile:
    """The policy as its file has it now; `own` is used instead of `path` while there is such a file.

    A broken file is None, and `problem` says what is wrong with it.
    """

    def __init__(self, path: Path, registry: Registry, own: Path | None = None) -> None:
        self._shipped = path
        self._own = own
        self._path = path
        self._registry = registry
        self._stamp: tuple[int, int, int] | None = None
        self._policy: HealingPolicy | None = None
        self.problem: str | None = None

    def current(self) -> HealingPolicy | None:
        """Return the policy, read again when the file has changed; None when it cannot be used."""
        self._path = self._own if self._own is not None and self._own.is_file() else self._shipped
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._stamp, self._policy, self.problem = stamp, None, None
                self._policy = parse(self._path.read_bytes(), self._path.name, self._registry)
                log.info("healing_policy_read", digest=self._policy.digest, enabled=self._policy.enabled)
        except OSError as error:
            self._stamp, self._policy = None, None
            self.problem = f"{self._path.name} cannot be read: {error.strerror}."
        except HealingPolicyInvalid as error:
            self.problem = error.message
            log.error("healing_policy_invalid", problem=error.message)
        return self._policy

    def required(self) -> HealingPolicy:
        """Return the policy.

        Raises:
            HealingPolicyInvalid: when the file cannot be used.
        """
        found = self.current()
        if found is None:
            raise HealingPolicyInvalid(self.problem or "There is no policy.", hint="Mend the file.")
        return found


def _lists_as_tuples(value: Any) -> Any:
    """Strict models take tuples where YAML gives lists."""
    if isinstance(value, Mapping):
        return {key: _lists_as_tuples(item) for key, item in value.items()}
    return tuple(_lists_as_tuples(item) for item in value) if isinstance(value, list) else value
