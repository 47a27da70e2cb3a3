"""What intents are called in front of users: `data/policies/intents.yml`, read and checked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from foundation import strict_yaml
from foundation.errors import InvalidInput

IntentKind = Literal["control", "workflow", "answer", "fallback"]


@dataclass(frozen=True)
class IntentLabel:
    """An intent in words: `label` is a button's text, `question` what a user would ask for it.

    The question is empty when nothing can be searched for without more words. `article` is the id of the
    article that usually answers, where there is one.
    """

    name: str
    label: str
    kind: IntentKind
    question: str
    article: str | None = None


@dataclass(frozen=True)
class IntentReading:
    """One way to understand a message, with its confidence, 0 to 1."""

    intent: str
    confidence: float


class IntentCatalogue:
    """All intents by name."""

    def __init__(self, labels: Iterable[IntentLabel]) -> None:
        self._labels = {label.name: label for label in labels}

    @classmethod
    def load(cls, path: Path) -> "IntentCatalogue":
        """Read the file.

        Raises:
            InvalidInput: saying which intent's entry is wrong, or that it is no YAML at all.
        """
        raw = strict_yaml.load(path.read_bytes(), path.name).value
        if not isinstance(raw, Mapping) or not isinstance(raw.get("intents"), Mapping):
            raise InvalidInput(f"{path.name} must hold a mapping named `intents`.")
        return cls([_label(str(name), entry) for name, entry in raw["intents"].items()])

    def __iter__(self) -> Iterator[IntentLabel]:
        return iter(self._labels.values())

    def including(self, more: Iterable[IntentLabel]) -> "IntentCatalogue":
        """Return a catalogue that also has `more`; what the file says of an intent stands."""
        return IntentCatalogue([*(label for label in more if label.name not in self._labels), *self])

    @property
    def without_matter(self) -> frozenset[str]:
        """Intents that steer the conversation or were not understood: nothing to do, nothing to answer."""
        return frozenset(label.name for label in self if label.kind in ("control", "fallback"))

    def get(self, name: str | None) -> IntentLabel | None:
        """Return an intent's entry, or None."""
        return self._labels.get(name or "")

    def suggestions(
        self, ranking: Iterable[IntentReading], *, least: float, limit: int = 2
    ) -> list[IntentLabel]:
        """Return the likeliest intents worth offering as a choice: things to do or to answer."""
        worth = [
            label
            for reading in ranking
            if reading.confidence >= least
            and (label := self._labels.get(reading.intent)) is not None
            and label.kind in ("workflow", "answer")
        ]
        return list(dict.fromkeys(worth))[:limit]


def _label(name: str, entry: Any) -> IntentLabel:
    if not isinstance(entry, Mapping) or entry.get("kind") not in get_args(IntentKind):
        kinds = ", ".join(get_args(IntentKind))
        raise InvalidInput(f"The intent {name} needs a `label` and a `kind` (one of {kinds}).")
    label = entry.get("label")
    if not isinstance(label, str) or not 2 <= len(label) <= 40:
        raise InvalidInput(f"The intent {name} needs a `label` of 2 to 40 characters.")
    article = entry.get("article")
    if article is not None and not isinstance(article, str):
        raise InvalidInput(f"The intent {name} has an `article` that is no article's id.")
    return IntentLabel(name, label, entry["kind"], str(entry.get("question", label)), article)
