"""The attempt log over HTTP, for trainers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt
from actions.framework.docs import described
from actions.framework.registry import Registry
from actions.permissions import AutomationAction
from foundation.http import Call, Endpoint
from foundation.outcomes import OUTCOMES, ConversationOutcome


class AttemptQuery(BaseModel):
    """Filters; moments are ISO 8601 with an offset. `open` stands for attempts without an outcome yet."""

    model_config = ConfigDict(extra="forbid")
    outcome: ConversationOutcome | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(100, ge=1, le=1000)


class AttemptBody(BaseModel):
    """One attempt, as it is stored."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    conversation_id: str
    turn_id: str
    step: str
    user_ref: str
    host: str
    kind: str
    name: str
    intent: str | None
    confidence: float | None
    read: dict[str, Any]
    done: dict[str, Any]
    outcome: str | None
    duration_ms: int
    model_version: str | None
    article_id: str | None
    article_version: int | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class AttemptsBody(BaseModel):
    """Attempts, newest first, and how many there are by outcome in the same span of time."""

    attempts: list[AttemptBody]
    counts: dict[str, int]


def attempt_body(attempt: Attempt) -> AttemptBody:
    """Put an attempt into the form it has on the wire."""
    return AttemptBody.model_validate(attempt)


class WorkflowBody(BaseModel):
    """A workflow, as its class describes it."""

    id: str
    title: str
    what: str
    area: str
    intents: list[str]
    error_codes: list[str]
    triggers: list[str]
    symptoms: list[str]
    reads: list[str]
    operations: list[str]
    risk: str
    needs_consent: bool
    reversible: bool
    retry_limit: int
    cool_down_seconds: float


class WorkflowsBody(BaseModel):
    """All workflows, by id."""

    workflows: list[WorkflowBody]


class AttemptsApi:
    """Lists attempts, and the workflows that they are of."""

    def __init__(
        self, log: AttemptLog, registry: Registry, codes_for: Callable[[str], Sequence[str]]
    ) -> None:
        """Take `codes_for`, which gives the error codes that lead to a workflow."""
        self._codes_for = codes_for
        self._log = log
        self._registry = registry

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints of this room."""
        return [
            Endpoint(
                "GET",
                "/api/v1/attempts",
                self.list,
                AutomationAction.LIST_ATTEMPTS,
                "List automated attempts",
                query=AttemptQuery,
                response=AttemptsBody,
                tags=("attempts",),
            ),
            Endpoint(
                "GET",
                "/api/v1/workflows",
                self.workflows,
                AutomationAction.LIST_WORKFLOWS,
                "List what the assistant can do by itself",
                response=WorkflowsBody,
                tags=("attempts",),
            ),
        ]

    async def workflows(self, _: Call) -> WorkflowsBody:
        """List the workflows."""
        rows = [
            WorkflowBody(**described(workflow, self._codes_for(workflow.meta.id)))
            for workflow in self._registry
        ]
        return WorkflowsBody(workflows=rows)

    async def list(self, call: Call) -> AttemptsBody:
        """List attempts by outcome and time."""
        query: AttemptQuery = call.query
        found = await self._log.list(
            outcome=None if query.outcome == "open" else query.outcome,
            is_open=query.outcome == "open",
            since=query.since,
            until=query.until,
            limit=query.limit,
        )
        counted = await self._log.count(since=query.since, until=query.until)
        counts = {outcome: counted.get(outcome, 0) for outcome in OUTCOMES} | {"open": counted.get(None, 0)}
        return AttemptsBody(attempts=[attempt_body(attempt) for attempt in found], counts=counts)
