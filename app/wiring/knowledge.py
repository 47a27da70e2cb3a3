"""The knowledge base among the other rooms: what it asks of the attempt log, and its endpoints."""

import asyncio
from pathlib import Path

from app.settings import Settings
from foundation.clock import Clock
from foundation.database import Database
from foundation.http import Endpoint
from insights.article_usage import AnswersShown
from insights.question_log import LoggedQuestions
from kb_index.articles.api import KnowledgeApi
from kb_index.articles.maintenance import Maintenance
from kb_index.articles.service import Articles
from kb_index.articles.transfer_api import TransferApi
from kb_index.evaluation.known_questions import read_questions
from kb_index.index.faiss_index import FaissFiles
from kb_index.index.pgvector_index import PgvectorTables
from kb_index.ports import VectorIndexes
from kb_index.questions.api import QuestionsApi
from kb_index.questions.publish_gate import PublishGate
from kb_index.questions.unanswered import Unanswered
from kb_index.search.api import SearchApi
from kb_index.search.service import ArticleSearch


def vector_indexes(settings: Settings, database: Database) -> VectorIndexes:
    """Where vectors are searched, as VECTOR_INDEX says; called on the event loop."""
    if settings.vector_index == "pgvector":
        return PgvectorTables(database)
    return FaissFiles(settings.home / "index" / "passages.faiss")


async def seed_gate(gate: PublishGate, file: Path) -> None:
    """Take in the questions that come with the product, once: what an editor removes stays away."""
    if not await gate.all():
        known = await asyncio.to_thread(read_questions, file)
        await gate.take_in([(one.text, one.article) for one in known], source="seed", by="import")


def knowledge_endpoints(
    database: Database, articles: Articles, search: ArticleSearch, gate: PublishGate, clock: Clock
) -> list[Endpoint]:
    """Endpoints for editors and for search."""
    care = Maintenance(database, articles, AnswersShown(database, clock), clock)
    log = LoggedQuestions(database)
    in_vain = Unanswered(database, articles, search, log, clock)
    return [
        *QuestionsApi(articles, gate, in_vain, log, search.ranking).endpoints(),
        # What has a fixed name comes before what takes any id in its place.
        *TransferApi(database, articles, care).endpoints(),
        *SearchApi(search).endpoints(),
        *KnowledgeApi(articles).endpoints(),
    ]
