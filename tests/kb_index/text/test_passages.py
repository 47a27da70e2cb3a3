"""Markdown becomes plain passages whose positions in the Markdown are exact."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_index.domain import MAX_BODY
from kb_index.search.quotes import LONGEST_QUOTE, Quotable, quote
from kb_index.text.markdown_units import lines_to_sentences, sentences, units
from kb_index.text.passages import MAX_TOKENS, estimate_tokens, split

BODY = """Use this when you **cannot sign in**. See [the *guide*](https://x.example/a.b "A title") first.

## Reset it

To reset your password:

1. Open **Sign in**
2. Choose `Forgot password`. Wait.
   - or ask ![a picture](/p.png)
3) Call us

> Links work for 30 minutes &amp; once.

| Plan | Price |
|------|-------|
| Solo | 9 &euro; |

```
curl  x
  y
```

### No text

## Last
Done\\*. <b>Tags</b> are text.
"""


def source(unit: object) -> str:
    return BODY[unit.start : unit.end]  # type: ignore[attr-defined]


def test_units_are_plain_and_their_positions_exact() -> None:
    assert [(unit.heading, unit.shown, source(unit)) for unit in units(BODY)] == [
        ("", "Use this when you cannot sign in.", "Use this when you **cannot sign in**."),
        ("", "See the guide first.", 'See [the *guide*](https://x.example/a.b "A title") first.'),
        ("Reset it", "To reset your password:", "To reset your password:"),
        ("Reset it", "1. Open Sign in", "Open **Sign in"),
        ("Reset it", "2. Choose Forgot password.", "Choose `Forgot password`."),
        ("Reset it", "Wait.", "Wait."),
        ("Reset it", "• or ask a picture", "or ask ![a picture"),
        ("Reset it", "3) Call us", "Call us"),
        ("Reset it", "Links work for 30 minutes & once.", "Links work for 30 minutes &amp; once."),
        ("Reset it", "Plan – Price", "Plan | Price"),
        ("Reset it", "Solo – 9 €", "Solo | 9"),
        ("Reset it", "curl x y", "curl  x\n  y"),
        ("Reset it: No text", "No text", "No text"),
        ("Last", "Done*.", "Done\\*."),
        ("Last", "<b>Tags</b> are text.", "<b>Tags</b> are text."),
    ]


def test_passages_keep_to_their_heading_and_cover_their_source() -> None:
    passages = split(BODY)
    assert [passage.heading for passage in passages] == ["", "Reset it", "Reset it: No text", "Last"]
    reset = passages[1]
    assert BODY[reset.start : reset.end].startswith("To reset your password:\n\n1. Open")
    assert BODY[reset.start : reset.end].endswith("curl  x\n  y")
    assert reset.text.split("\n")[:3] == [
        "To reset your password:", "1. Open Sign in", "2. Choose Forgot password. Wait."
    ]  # fmt: skip


def test_lines_end_only_where_markdown_ends_them() -> None:
    body = "First\u2028still first\x85and here.\n\nSecond."
    assert [(unit.text, body[unit.start : unit.end]) for unit in units(body)][-1] == ("Second.", "Second.")


def test_repeated_sentences_each_have_their_own_place() -> None:
    body = "Wait.\n\nWait.\n\n- Wait.\n- Wait.\n"
    assert [unit.start for unit in units(body)] == [0, 7, 16, 24]


def test_a_long_section_is_cut_between_blocks_and_no_passage_is_too_long() -> None:
    paragraphs = [f"Paragraph {number} says this and that. " * 8 for number in range(12)]
    passages = split("## Long\n\n" + "\n\n".join(paragraphs))
    assert len(passages) >= 6
    assert all(estimate_tokens(passage.text) <= MAX_TOKENS for passage in passages)
    assert all(passage.text.startswith("Paragraph") for passage in passages)


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    body = " ".join(f"Sentence {number} is about tea and coffee." for number in range(200))
    passages = split(body)
    assert all(passage.text.endswith("coffee.") for passage in passages)
    assert all(body[passage.start : passage.end] == passage.text for passage in passages)
    assert " ".join(passage.text for passage in passages) == body


def test_an_encoder_counts_as_it_reads() -> None:
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return 100

    assert len(split("One. Two. Three.", count)) == 3
    assert asked == ["One.", "Two.", "Three."]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab \n#*_`[]()|-1.>!&;:\\é€", max_size=300))
def test_any_markdown_is_split_in_order_and_in_bounds(body: str) -> None:
    passages = split(body)
    at = 0
    for passage in passages:
        assert 0 <= passage.start <= passage.end <= len(body)
        assert passage.start >= at
        at = passage.end
        assert passage.text.strip()


HOSTILE = ["word ", "a", "[", "![", "> ", "- ", "*a_ ", "x\n\n", "`", "![a](", "|a", "#", "&", "1. ", "<a "]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("shape", HOSTILE)
def test_hostile_shapes_are_split_in_the_time_one_can_wait(shape: str) -> None:
    # A way that is quadratic in the size takes many minutes on these.
    body = shape * (MAX_BODY // len(shape))
    assert all(len(passage.text) < 5_000 for passage in split(body))


def test_sentences_come_from_the_rules_of_english() -> None:
    assert sentences("Call us at 9 a.m. tomorrow. Is it e.g. broken? Yes!") == [
        "Call us at 9 a.m. tomorrow.", "Is it e.g. broken?", "Yes!",
    ]  # fmt: skip
    assert lines_to_sentences("1. Open it. Wait.\n2. Close it.") == ["1. Open it.", "Wait.", "2. Close it."]


def quoted(text: str, question: str, title: str = "") -> str:
    return quote(Quotable(text, title, "", 0), question).text


def test_a_quote_is_one_to_three_sentences() -> None:
    text = " ".join(f"Sentence {number} is here." for number in range(9))
    assert 1 <= len(sentences(quoted(text, "anything"))) <= 3
    assert "Sentence 7" in quoted(text, "what about 7")


def test_a_quote_takes_what_shares_the_question_s_words() -> None:
    text = "Tea comes in boxes. A box holds twelve bags. Shipping abroad costs nine euros. We like tea."
    assert "Shipping abroad costs nine euros." in quoted(text, "what does shipping abroad cost?")
    assert quoted(text, "zebra").startswith("Tea comes in boxes.")


def test_steps_are_quoted_with_what_introduces_them_and_end_in_a_stop() -> None:
    text = "To change your plan:\n1. Open Plan\n2. Choose another\n3. Confirm\nIt holds from the next box."
    assert quoted(text, "change plan").startswith(
        "To change your plan: 1. Open Plan; 2. Choose another; 3. Confirm"
    )


def test_a_quote_does_not_end_in_the_air() -> None:
    assert not quoted("We help you. Do this:", "help").endswith(":")


def test_a_giant_sentence_is_cut_at_a_word() -> None:
    text = quoted("teapot " * 300, "teapot")
    assert len(text) <= LONGEST_QUOTE
    assert text.endswith("teapot…")
    assert quoted("", "anything") == ""
