"""Gathers what both searches know of the articles that either of them brings."""

from dataclasses import dataclass

from kb_index.index.lexical_index import LexicalIndex
from kb_index.index.passage_builder import PassageBuilder
from kb_index.ports import Filter, Near, VectorIndex, Vectors
from kb_index.search.ranking import Evidence

CANDIDATES = 50
"""Articles that each of the two searches brings; the order is made among them."""


@dataclass(frozen=True)
class Candidates:
    """The question's vector, and the articles' evidence and nearness by id."""

    vector: Vectors
    evidence: tuple[Evidence, ...]
    near: dict[str, Near]


def gather(
    maker: PassageBuilder,
    vectors: VectorIndex,
    words: LexicalIndex,
    asked: str,
    where: Filter,
    *,
    vector: Vectors | None = None,
) -> Candidates:
    """Search both ways, and give every article the same evidence, whichever search brought it.

    It blocks for milliseconds: encoding, unless the question's vector is given, and both searches.
    """
    if vector is None:
        vector = maker.encoder.encode([asked], purpose="query")[0]
    terms = maker.normaliser.terms(asked)
    near = {one.article_id: one for one in vectors.nearest(vector, CANDIDATES, where)}
    shares = {one.article_id: one.share for one in words.best(terms, CANDIDATES, where)}
    near |= {one.article_id: one for one in vectors.compare(vector, shares.keys() - near.keys(), where)}
    others = sorted(near.keys() - shares.keys())
    shares |= {one.article_id: one.share for one in words.compare(terms, others, where)}
    evidence = (Evidence(key, one.title, one.text, shares.get(key, 0.0)) for key, one in near.items())
    return Candidates(vector, tuple(evidence), near)
