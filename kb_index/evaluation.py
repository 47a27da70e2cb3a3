"""How well the search finds the right article for questions whose article is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import yaml

from bot.foundation.errors import InvalidInput
from kb_index.search import ArticleSearch


@dataclass(frozen=True)
class Question:
    """A question and the article that answers it."""

    text: str
    article: str


def read_questions(path: Path) -> list[Question]:
    """Read `questions.yml`.

    Raises:
        InvalidInput: when it has not the form `questions: [{question, article}]`.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))["questions"]
        return [Question(str(row["question"]), str(row["article"])) for row in rows]
    except (yaml.YAMLError, KeyError, TypeError):
        raise InvalidInput(
            f"{path.name} must hold `questions`: a list of `question` and `article`."
        ) from None


async def evaluate(search: ArticleSearch, questions: Sequence[Question]) -> dict[str, float]:
    """Return hit@1, hit@5 and mrr@10 (Craswell, 2009) over `questions`, and their number."""
    ranks: list[int | None] = []
    for question in questions:
        found = [hit.article_id for hit in await search.search(question.text, limit=10)]
        ranks.append(found.index(question.article) + 1 if question.article in found else None)  # type: ignore[arg-type]
    return {
        "questions": len(ranks),
        "hit@1": mean(rank == 1 for rank in ranks),
        "hit@5": mean(rank is not None and rank <= 5 for rank in ranks),
        "mrr@10": mean(1 / rank if rank else 0.0 for rank in ranks),
    }
