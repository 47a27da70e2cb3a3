"""The articles that come with the product are well formed and agree with each other."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from kb_index.articles.importing import parse_article
from tests.support.product import ROOT

FOLDER = ROOT / "data" / "kb"
FILES = sorted(FOLDER.glob("*.md"))
QUESTIONS = yaml.safe_load((FOLDER / "questions.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_article_is_well_formed(path: Path) -> None:
    raw = path.read_bytes()
    assert parse_article(raw, path.name)
    text = raw.decode()
    assert f"\nid: {path.stem}\n" in text
    for link in re.findall(r"\]\(/help/([a-z0-9-]+)\)", text):
        assert (FOLDER / f"{link}.md").exists(), f"{path.name} links to {link}"


def test_there_are_enough_articles_in_every_area() -> None:
    areas = Counter(parse_article(path.read_bytes(), path.name).draft.area for path in FILES)
    assert len(FILES) >= 40
    assert min(areas.values()) >= 3
    assert len(areas) >= 10


def test_every_article_is_asked_for_and_every_question_has_its_article() -> None:
    asked = Counter(row["article"] for row in QUESTIONS["questions"])
    assert set(asked) == {path.stem for path in FILES}
    assert min(asked.values()) >= 2
    assert len({row["question"] for row in QUESTIONS["questions"]}) == len(QUESTIONS["questions"])
    assert len(QUESTIONS["unanswerable"]) >= 40
