"""The search as JSON."""

from pydantic import BaseModel, ConfigDict, Field

from kb_index.articles.schemas import Strict
from kb_index.domain import Advice


class SearchQuery(Strict):
    """A question, and filters."""

    q: str = Field(default="", description="Only the first 1,000 characters are read")
    limit: int = Field(default=5, ge=1, le=20)
    language: str | None = Field(default=None, max_length=10)
    area: str | None = Field(default=None, max_length=40)
    plan: str | None = Field(default=None, max_length=40)
    product_version: str | None = Field(default=None, max_length=40)


class WhyOut(BaseModel):
    """Cosines with passage and title, the share of the question's words that the passage has, and these."""

    model_config = ConfigDict(from_attributes=True)
    semantic: float
    title: float
    lexical: float
    matched: tuple[str, ...]


class HitOut(BaseModel):
    """An article by its best passage; `start` and `end` are offsets in its Markdown. `probability` is that of
    this article answering the question."""

    model_config = ConfigDict(from_attributes=True)
    article_id: str
    version: int
    title: str
    area: str
    quote: str
    url: str
    score: float
    probability: float
    passage_id: str
    heading: str
    start: int
    end: int
    why: WhyOut


class HitsOut(BaseModel):
    """Hits, best first; the probability that the first one answers, and what to make of it."""

    hits: list[HitOut]
    probability: float
    advice: Advice
