"""The one way Markdown is read: CommonMark and tables, HTML in it as text; nothing outgrows its text.

Two constructs say much with little: a short row of a wide table is filled up with cells, and a link by
reference repeats its address at each use. Both are bounded here, for whoever reads or renders an article.
"""

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import table as _table
from markdown_it.rules_core import StateCore

MOST_COLUMNS = 50
"""Of a table; a wider one stays text."""
MOST_TOKENS = 100_000
"""Parts of an article after which a table stays text."""
LONGEST_TARGET = 2_000
"""Characters of an address and a title that are defined for reference; longer definitions are not used."""
MOST_TARGETS = 1_000_000
"""Characters of all addresses and titles of an article; links beyond them lead nowhere."""


@lru_cache(maxsize=1)
def markdown() -> MarkdownIt:
    """The parser; it keeps nothing between texts."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.block.ruler.at("table", _bounded_table, {"alt": ["paragraph", "reference"]})
    parser.core.ruler.after("block", "short_references", _short_references)
    parser.core.ruler.after("inline", "bounded_targets", _bounded_targets)
    return parser


def _bounded_table(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    if first + 2 > last or len(state.tokens) > MOST_TOKENS:
        return False
    at = first + 1
    if state.src.count("|", state.bMarks[at], state.eMarks[at]) > MOST_COLUMNS + 1:
        return False
    return _table(state, first, last, silent)


def _short_references(state: StateCore) -> None:
    references = state.env.get("references", {})
    for label in [key for key, one in references.items() if _length(one) > LONGEST_TARGET]:
        del references[label]


def _bounded_targets(state: StateCore) -> None:
    left = MOST_TARGETS
    for token in state.tokens:
        for child in token.children or ():
            if child.type in ("link_open", "image"):
                left -= _length(child.attrs)
                if left < 0:
                    child.attrs = {}


def _length(target: "dict[str, str | int | float]") -> int:
    return sum(len(str(value)) for value in target.values())
