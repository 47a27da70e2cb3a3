"""The search over HTTP, for everybody."""

from foundation.http import Call, Endpoint
from kb_index.domain import FOR_USERS
from kb_index.permissions import ArticleAction
from kb_index.ports import Filter
from kb_index.search.schemas import HitOut, HitsOut, SearchQuery
from kb_index.search.service import ArticleSearch


class SearchApi:
    """Finds published articles."""

    def __init__(self, search: ArticleSearch) -> None:
        self._search = search

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoint."""
        return [
            Endpoint(
                "GET",
                "/api/v1/search",
                self.search,
                ArticleAction.SEARCH,
                "Search published articles",
                tags=("knowledge base",),
                query=SearchQuery,
                response=HitsOut,
            )
        ]

    async def search(self, call: Call) -> HitsOut:
        """Search."""
        query: SearchQuery = call.query
        where = Filter(
            language=query.language,
            area=query.area,
            audiences=None if call.caller.kind == "staff" else FOR_USERS,
            plan=query.plan,
            product_version=query.product_version,
        )
        found = await self._search.find(query.q, limit=query.limit, where=where)
        hits = [HitOut.model_validate(hit) for hit in found.hits]
        return HitsOut(hits=hits, probability=found.probability, advice=found.advice)
