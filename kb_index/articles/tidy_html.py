"""Anybody's HTML made well-formed in one pass, so that what parses it after cannot be made slow.

Python's HTML parser and the converter to Markdown take quadratic time on unclosed tags, quotes and nesting.
Here a page is cut into tags and text by patterns that never go back, elements that carry nothing to read are
left out, missing ends are supplied, and what is written out again is closed, quoted and escaped.
"""

import re
from collections.abc import Iterator
from html import escape, unescape

from foundation.errors import InvalidInput


def _names(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


DEEPEST = 100
"""Elements within each other; browsers stop at a few hundred, articles need ten."""
_WIDEST = 20
"""Columns that a cell may span; each becomes a cell in Markdown."""
# From any start, a quote mark swaps two of three states, so at most three attempts reach the same place.
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*+)((?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>")
_ATTRIBUTE = re.compile(r"([a-zA-Z][a-zA-Z-]*+)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'=<>`]++))")
_BLANK = re.compile(r"[ \t\r\n\f]+")
_UNREAD = _names(
    "script style template noscript iframe object form nav svg math select textarea audio video canvas"
)
_RAW = _names("script style noscript iframe textarea")
"""Elements in which a tag is text."""
_VOID = _names("br hr img meta")
_BLOCKS = _names(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer"
    " h1 h2 h3 h4 h5 h6 head header hr li main ol p pre section summary table tbody td tfoot th thead tr ul"
)
_KEPT = _BLOCKS | _VOID | _names("a b caption code del em html i kbd s samp strong sub sup title")
_ATTRIBUTES = {
    "a": ("href", "title"),
    "img": ("src", "alt", "title"),
    "meta": ("name", "content"),
    "html": ("lang",),
    "ol": ("start",),
    "td": ("colspan",),
    "th": ("colspan",),
}
_ENDS = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "tr": (frozenset({"tr"}), frozenset({"table"})),
    "td": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "th": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
}
"""A start tag, the open elements that it ends, and those beyond which it does not look."""
_P = (frozenset({"p"}), _BLOCKS - {"p"})


def tidy(text: str) -> str:
    """Return the page as well-formed HTML of the elements that can be read.

    Raises:
        InvalidInput: when elements are nested deeper than `DEEPEST`.
    """
    return "".join(_Tidier(text).run())


class _Tidier:
    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[str] = []

    def run(self) -> Iterator[str]:
        text, at = self._text, 0
        while at < len(text):
            start = text.find("<", at)
            if start < 0:
                start = len(text)
            if start > at:
                yield self._words(text[at:start])
            if start == len(text):
                break
            found = _TAG.match(text, start)
            if found is not None:
                yield from self._tag(bool(found[1]), found[2].lower(), found[3])
                at = self._after(found)
            elif text.startswith(("<!", "<?"), start):
                at = _past(text, "-->" if text.startswith("<!--", start) else ">", start)
            else:
                yield "&lt;"
                at = start + 1
        yield from (f"</{name}>" for name in reversed(self._open))

    def _after(self, tag: re.Match[str]) -> int:
        """Where to go on: behind an element that is not read, or behind the tag."""
        name = tag[2].lower()
        if tag[1] or tag[3].endswith("/") or name not in _UNREAD:
            return tag.end()
        ends = re.compile(rf"<(/?){name}(?![a-zA-Z0-9:-])[^>]*+>", re.IGNORECASE)
        depth = 1
        for found in ends.finditer(self._text, tag.end()):
            depth += -1 if found[1] else name not in _RAW
            if depth == 0:
                return found.end()
        return len(self._text)

    def _words(self, text: str) -> str:
        text = escape(unescape(text), quote=False)
        return text if "pre" in self._open else _BLANK.sub(" ", text)

    def _tag(self, is_end: bool, name: str, attributes: str) -> Iterator[str]:
        if name not in _KEPT:
            return
        if is_end:
            if name in self._open:
                yield from self._close(len(self._open) - 1 - self._open[::-1].index(name))
            return
        if name in _BLOCKS:
            yield from self._end(*_P)
        if name in _ENDS:
            yield from self._end(*_ENDS[name])
        yield f"<{name}{_attributes(name, attributes)}>"
        if name not in _VOID:
            self._open.append(name)
            if len(self._open) > DEEPEST:
                raise InvalidInput(
                    "The page is nested too deep.", hint=f"At most {DEEPEST} elements within each other."
                )

    def _end(self, ended: frozenset[str], bounds: frozenset[str]) -> Iterator[str]:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at] in ended:
                yield from self._close(at)
                return
            if self._open[at] in bounds:
                return

    def _close(self, at: int) -> Iterator[str]:
        closed = self._open[at:]
        del self._open[at:]
        yield from (f"</{name}>" for name in reversed(closed))


def _past(text: str, mark: str, start: int) -> int:
    """Behind the next `mark`; a declaration or comment without its end goes on to the end of the page."""
    end = text.find(mark, start)
    return len(text) if end < 0 else end + len(mark)


def _attributes(name: str, written: str) -> str:
    wanted = _ATTRIBUTES.get(name)
    if not wanted:
        return ""
    values: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(written):
        value = next((one for one in found.groups()[1:] if one is not None), "")
        values.setdefault(found[1].lower(), unescape(value))
    if "colspan" in values:
        found_width = re.fullmatch(r"0*+([1-9][0-9]{0,99})", values["colspan"], re.ASCII)
        values["colspan"] = str(min(int(found_width[1]), _WIDEST) if found_width else 1)
    if "start" in values and not re.fullmatch(r"[0-9]{1,9}", values["start"], re.ASCII):
        del values["start"]
    return "".join(f' {key}="{escape(values[key])}"' for key in wanted if key in values)
