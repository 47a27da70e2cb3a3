"""Questions over HTTP: the gate, trying one, what was asked in vain, and how articles fare."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from foundation.http import Call, Endpoint, Reply
from foundation.http.endpoints import NoBody
from foundation.http.fields import id_field
from kb_index.articles.api import BASE, MAX_ARTICLE, make
from kb_index.articles.schemas import ArticleIn, ArticleOut, Strict
from kb_index.articles.service import Articles
from kb_index.domain import Advice
from kb_index.evaluation.what_if import Standing
from kb_index.permissions import ArticleAction
from kb_index.questions.ports import QuestionLog
from kb_index.questions.publish_gate import GateReport, PublishGate
from kb_index.questions.unanswered import Unanswered
from kb_index.search.ranking import Ranking

_SHOWN = 5


class _From(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class KnownOut(_From):
    """A question that the article must answer."""

    id: str
    question: str
    source: str
    created_by: str


class KnownListOut(BaseModel):
    """Oldest first."""

    questions: list[KnownOut]


class KnownIn(Strict):
    """A question."""

    question: str = Field(max_length=1000)


class NumbersOut(_From):
    """hit@1 and nDCG@10 over `n` questions."""

    hit1: float
    ndcg10: float
    n: int


class MovedOut(_From):
    """A question whose article stands elsewhere than before; null: not found."""

    question: str
    article: str
    rank_before: int | None
    rank_after: int | None


class GateOut(_From):
    """What publishing the newest text would change."""

    before: NumbersOut
    after: NumbersOut
    worse: list[MovedOut]
    better: list[MovedOut]


class TryIn(ArticleIn):
    """A question, and the text as it is in the form."""

    question: str = Field(max_length=1000)


class RankedOut(BaseModel):
    """An article in the order, with its score."""

    article_id: str
    title: str
    score: float
    quote: str = ""


class StandingOut(BaseModel):
    """This article's rank, null when it is not found; the probability that the first one answers."""

    rank: int | None
    probability: float
    advice: Advice
    hits: list[RankedOut]


class TriedOut(BaseModel):
    """As readers find it now, and with this text."""

    before: StandingOut
    after: StandingOut


class DayOut(_From):
    """One day's use."""

    day: str
    shown: int
    helped: int
    not_helped: int
    handed_off: int


class StatisticsOut(BaseModel):
    """How often an article was shown in answers, and what became of it."""

    shown: int
    helped: int
    not_helped: int
    handed_off: int
    by_day: list[DayOut]


class ClusterOut(_From):
    """Questions that ask for the same; see `kb_index.questions.unanswered.Cluster`."""

    id: str
    label: str
    count: int
    handoffs: int
    cost_minutes: float
    examples: list[str]
    trend: list[int]
    article_id: str | None
    before: float | None
    after: float | None


class ClustersOut(BaseModel):
    """The costliest first."""

    clusters: list[ClusterOut]


class QuestionsApi:
    """Endpoints for editors."""

    def __init__(
        self,
        articles: Articles,
        gate: PublishGate,
        in_vain: Unanswered,
        questions: QuestionLog,
        ranking: Ranking,
    ) -> None:
        self._articles = articles
        self._gate = gate
        self._in_vain = in_vain
        self._questions = questions
        self._ranking = ranking

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        may = ArticleAction
        one, vain = BASE + "/{id}", "/api/v1/questions/in-vain"
        cluster = {"id": id_field("clu", "the cluster")}
        return [
            make("GET", one + "/questions", self.known, may.READ_QUESTIONS,
                 "Questions the article must answer",
                 response=KnownListOut),
            make("POST", one + "/questions", self.add, may.CHANGE_QUESTIONS, "Add a question it must answer",
                 body=KnownIn, response=KnownOut, status=201),
            make("DELETE", one + "/questions/{question}", self.remove, may.CHANGE_QUESTIONS,
                 "Remove a question",
                 status=204),
            make("GET", one + "/gate", self.compare, may.READ_QUESTIONS, "What publishing would change",
                 response=GateOut),
            make("POST", one + "/try", self.attempt, may.READ_QUESTIONS,
                 "Ask a question as if this text were published",
                 body=TryIn, response=TriedOut, max_body=MAX_ARTICLE),
            make("GET", one + "/statistics", self.statistics, may.READ, "How the article fares",
                 response=StatisticsOut),
            make("GET", vain, self.clusters, may.READ_IN_VAIN, "What was asked in vain",
                 response=ClustersOut),
            make("POST", vain + "/{id}/draft", self.draft, may.SETTLE_IN_VAIN, "Begin an article for it",
                 response=ArticleOut, status=201, path_fields=cluster),
            make("POST", vain + "/{id}/dismiss", self.dismiss, may.SETTLE_IN_VAIN, "Put it out of sight",
                 status=204, path_fields=cluster),
        ]  # fmt: skip

    async def known(self, call: Call) -> KnownListOut:
        """List an article's questions."""
        found = await self._gate.of_article(call.path["id"])
        return KnownListOut(questions=[KnownOut.model_validate(one) for one in found])

    async def add(self, call: Call) -> Reply:
        """Add a question."""
        made = await self._gate.add(call.path["id"], call.body.question, source="editor", by=call.caller.name)
        return Reply(KnownOut.model_validate(made), status=201)

    async def remove(self, call: Call) -> NoBody:
        """Remove a question."""
        await self._gate.remove(call.path["id"], call.path["question"])
        return NoBody()

    async def compare(self, call: Call) -> GateOut:
        """Compare."""
        report: GateReport = await self._gate.compare(call.path["id"])
        return GateOut.model_validate(report)

    async def attempt(self, call: Call) -> TriedOut:
        """Try a question."""
        body: TryIn = call.body
        article_id = call.path["id"]
        found = await self._gate.attempt(article_id, body.question, body.draft())
        titles = {str(one.id): one.draft.title for one in await self._articles.index()}
        titles[article_id] = body.title
        shown = {name: self._standing(one, article_id, titles) for name, one in found.items()}
        return TriedOut(**shown)

    def _standing(self, standing: Standing, article_id: str, titles: dict[str, str]) -> StandingOut:
        return StandingOut(
            rank=standing.rank_of(article_id),
            probability=standing.probability,
            advice=self._ranking.calibration.advise(standing.probability),
            hits=[
                RankedOut(article_id=one.id, title=titles.get(one.id, one.id), score=one.fused)
                for one in standing.ranked[:_SHOWN]
            ],
        )

    async def statistics(self, call: Call) -> StatisticsOut:
        """Count an article's use."""
        article = await self._articles.get(call.path["id"])
        days = await self._questions.use_of(article.id)
        names = ("shown", "helped", "not_helped", "handed_off")
        sums: dict[str, Any] = {name: sum(getattr(day, name) for day in days) for name in names}
        return StatisticsOut(**sums, by_day=[DayOut(**asdict(day)) for day in days])

    async def clusters(self, call: Call) -> ClustersOut:
        """List clusters."""
        found = await self._in_vain.clusters()
        return ClustersOut(clusters=[ClusterOut.model_validate(one) for one in found])

    async def draft(self, call: Call) -> Reply:
        """Begin an article."""
        article = await self._in_vain.draft(call.path["id"], by=call.caller.name)
        return Reply(ArticleOut.of(article), status=201)

    async def dismiss(self, call: Call) -> NoBody:
        """Dismiss."""
        await self._in_vain.dismiss(call.path["id"])
        return NoBody()
