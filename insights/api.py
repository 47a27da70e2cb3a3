"""What became of conversations, for trainers."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from foundation.http import Call, Endpoint
from insights.outcomes import Outcomes
from insights.permissions import InsightAction


class OutcomesQuery(BaseModel):
    """Conversations begun from `since` on and before `until`; ISO 8601 with an offset."""

    model_config = ConfigDict(extra="forbid")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class OutcomesBody(BaseModel):
    """How many conversations there are, and how many of each outcome; they add up."""

    conversations: int
    outcomes: dict[str, int]


class InsightsApi:
    """Endpoints of the room."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        return [
            Endpoint(
                "GET", "/api/v1/outcomes", self.outcomes, InsightAction.COUNT_OUTCOMES,
                "Count conversations by what became of them", query=OutcomesQuery, response=OutcomesBody,
                tags=("review",),
            )
        ]  # fmt: skip

    async def outcomes(self, call: Call) -> OutcomesBody:
        """Count."""
        query: OutcomesQuery = call.query
        counted = await self._outcomes.count(query.since, query.until)
        return OutcomesBody(conversations=counted.conversations, outcomes=counted.outcomes)
