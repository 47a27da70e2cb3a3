"""The pages that the user came for: overview, deliveries, billing."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from connectors.hosts.demo.pages.html import NONE, Html, day, fill, join, money, words
from connectors.hosts.demo.pages.layout import (
    Frame,
    badge,
    button,
    csrf_field,
    facts,
    head,
    notice,
    notices,
    page,
    said_box,
)
from connectors.hosts.demo.troubles import Trouble

_TONES = {"delivered": "good", "delayed": "bad", "paid": "good", "open": "bad", "refunded": "wait"}
_STEPS = ("processing", "shipped", "in_transit", "delivered")


def overview(frame: Frame, state: dict[str, Any], troubles: Sequence[Trouble]) -> Html:
    """The first page: what is coming, what is wrong, and the shortest way to everything."""
    pages = {"/deliveries": "See delivery", "/billing": "Go to billing", "/preferences": "See preferences",
             "/security": "See security", "/exports": "See exports"}  # fmt: skip
    boxes = join(notice(t, link=(t.page, pages.get(t.page, "See more"))) for t in troubles)
    billing, saved = state["billing"], state["preferences"]["saved"]
    cards = join(
        [
            _next_box(state["orders"]),
            _tile("Your plan", state["subscription"]["shown_plan"] or billing["plan"], _price(billing),
                  "/billing", "Billing"),
            _tile("Your taste", f"{words(saved['roast'])} roast, {words(saved['grind']).lower()}",
                  f"Packed for {saved['delivery_day'].capitalize()}", "/preferences", "Change it"),
            _tile("Your devices", f"{len(state['sessions'])} signed in",
                  "Second factor on" if state["account"]["second_factor"]["enabled"] else "Password only",
                  "/security", "Security"),
        ]
    )  # fmt: skip
    lead = "All is well." if not troubles else "Something needs a look."
    body = fill(
        '{head}{boxes}<div class="bento">{cards}</div>',
        head=head(f"Hello, {frame.name.split()[0]}", lead),
        boxes=boxes,
        cards=cards,
    )
    return page(frame, "Home", body)


def _price(billing: dict[str, Any]) -> str:
    invoices = billing["invoices"]
    return f"{money(invoices[0]['amount_cents'])} a month" if invoices else "Nothing billed yet"


def _tile(title: str, big: str, small: str, href: str, link: str) -> Html:
    return fill(
        '<section class="card tile"><h2>{title}</h2><p class="big">{big}</p><p class="dim">{small}</p>'
        '<a class="link" href="{href}">{link}</a></section>',
        title=title,
        big=big,
        small=small,
        href=href,
        link=link,
    )


def _next_box(orders: Sequence[dict[str, Any]]) -> Html:
    coming = [order for order in orders if order["status"] != "delivered"]
    if not coming:
        return _tile(
            "Next box", "Nothing on its way", "The next one is packed soon.", "/deliveries", "Deliveries"
        )
    order = coming[0]
    return fill(
        '<section class="card tile wide hero"><h2>Next box</h2><p class="big">{items}</p>{track}'
        '<a class="link" href="/deliveries">Order {number}</a></section>',
        items=" · ".join(order["items"]),
        track=_track(order),
        number=order["number"],
    )


def _track(order: dict[str, Any]) -> Html:
    late = order["status"] == "delayed"
    at = 2 if late else _STEPS.index(order["status"])
    dots = join(
        fill(
            '<li class="{state}"{here}>{name}</li>',
            state="late" if late and step == at else "done" if step <= at else "",
            here=Html(' aria-current="step"') if step == at else NONE,
            name="Delayed" if late and step == at else words(name),
        )
        for step, name in enumerate(_STEPS)
    )
    verb = "Delivered" if order["status"] == "delivered" else "Was expected" if late else "Expected"
    return fill(
        '<ol class="track">{dots}</ol><p class="dim">{verb} {day}</p>',
        dots=dots,
        verb=verb,
        day=day(order["expected_at"]),
    )


def deliveries(frame: Frame, state: dict[str, Any], troubles: Sequence[Trouble]) -> Html:
    """Every order, with where it is."""
    rows = join(
        fill(
            '<li class="card order" data-order="{number}"><div class="row"><h2>Order '
            '{number}</h2>{badge}</div>'
            "<p>{items}</p>{track}{facts}</li>",
            number=order["number"],
            badge=badge(words(order["status"]), _TONES.get(order["status"], "wait")),
            items=" · ".join(order["items"]),
            track=_track(order),
            facts=facts(
                [("Ordered", day(order["placed_at"])), ("Carrier", order["carrier"] or "Not handed over yet"),
                 ("Tracking", order["tracking"] or "None yet")]
            ),
        )
        for order in state["orders"]
    )  # fmt: skip
    body = fill(
        '{head}{notices}<ul class="plain">{rows}</ul>',
        head=head("Deliveries", "What is on its way, and what has come."),
        notices=notices(troubles, "KT-1007", "KT-1014"),
        rows=rows,
    )
    return page(frame, "Deliveries", body)


def billing(
    frame: Frame, state: dict[str, Any], troubles: Sequence[Trouble], said: str = "", *, failed: bool = False
) -> Html:
    """The plan, what is due, the card, and the invoices."""
    content, method = state["billing"], state["billing"]["payment_method"]
    due = content["amount_due_cents"]
    status = badge("Past due", "bad") if content["status"] == "past_due" else badge("Active", "good")
    last = content["last_payment"]
    plan = facts(
        [("Plan", content["plan"]), ("Status", status), ("Due now", money(due)),
         ("Last payment", _last_payment(last)), ("Boxes", _boxes(state["subscription"]))]
    )  # fmt: skip
    retry = button(frame, "/billing/retry", f"Try {money(due)} again") if due else NONE
    body = fill(
        '{head}{said}{notices}<div class="two"><section class="card"><h2>Plan</h2>{plan}{retry}</section>'
        '<section class="card"><h2>Payment method</h2>{card}{form}</section></div>{invoices}',
        head=head("Billing", "Your plan, your card and every invoice."),
        said=said_box(said, failed="retry_payment" if failed else ""),
        notices=notices(troubles, "KT-1005", "KT-1006", "KT-1015", "KT-1019", "KT-1020"),
        plan=plan,
        retry=retry,
        card=facts(
            [("Card", f"{method['kind']} ending in {method['last4']}"), ("Valid until", method["expires"])]
        ),
        form=_card_form(frame),
        invoices=_invoices(content["invoices"]),
    )
    return page(frame, "Billing", body)


def _last_payment(last: dict[str, Any] | None) -> str:
    if last is None:
        return "None yet"
    return f"{money(last['amount_cents'])} on {day(last['at'])}: {_payment_word(last)}"


def _boxes(subscription: dict[str, Any]) -> str:
    box = subscription["next_delivery"]
    if subscription["state"] == "paused":
        return (
            f"Paused until {day(subscription['paused_until'])}" if subscription["paused_until"] else "Paused"
        )
    if subscription["state"] != "active" or not box:
        return "None to come"
    return f"Next on {day(box['date'])}{', skipped' if box['skipped'] else ''}"


def _payment_word(payment: dict[str, Any]) -> str:
    if payment["status"] == "paid":
        return "paid"
    return (
        "failed, card expired" if payment["failure_code"] == "card_expired" else "failed, bank did not answer"
    )


def _card_form(frame: Frame) -> Html:
    return fill(
        """<details><summary>Use another card</summary><form method="post"
action="/billing/card" class="stack" data-firstline-step="card_form">{csrf}
<label>Card number<input name="number" inputmode="numeric" autocomplete="cc-number" required maxlength="23"
pattern="[0-9 ]{{12,23}}"></label><label>Valid until<input name="expires" type="month" required></label>
<p class="hint">Use an invented number, such as 4242 4242 4242 4242. Only the last four digits are kept.</p>
<button>Save card</button></form></details>""",
        csrf=csrf_field(frame),
    )


def _invoices(invoices: Sequence[dict[str, Any]]) -> Html:
    rows = join(
        fill(
            "<tr><th "
            "scope='row'>{number}</th><td>{badge}</td><td>{amount}</td><td>{date}</td><td>{until}</td></tr>",
            number=row["number"],
            date=day(row["date"]),
            amount=money(row["amount_cents"]),
            badge=badge(words(row["status"]), _TONES[row["status"]]),
            until=day(row["refundable_until"]) if row["status"] == "paid" else "–",
        )
        for row in invoices
    )
    return fill(
        '<section class="card"><h2 id="invoices">Invoices</h2><div class="scroll" tabindex="0" role="region" '
        'aria-labelledby="invoices"><table><thead><tr><th scope="col">Number</th><th scope="col">Status</th>'
        '<th scope="col">Amount</th><th scope="col">Date</th><th scope="col">Refund until</th></tr></thead>'
        "<tbody>{rows}</tbody></table></div></section>",
        rows=rows,
    )


def support(frame: Frame, actions: Sequence[sqlite3.Row], titles: dict[str, str]) -> Html:
    """What support did on the user's account, newest first."""
    tones = {"done": "good", "accepted": "wait", "refused": "wait", "failed": "bad"}
    rows = join(
        fill(
            '<li class="card"><div class="row"><h2>{title}</h2>{badge}</div><p class="dim"><time '
            'datetime="{at}">'
            "{day}, {clock} UTC</time></p>{message}</li>",
            title=titles.get(row["operation"], words(row["operation"])),
            badge=badge(words(row["status"]), tones[row["status"]]),
            at=row["at"],
            day=day(row["at"]),
            clock=row["at"][11:16],
            message=fill("<p>{text}</p>", text=row["message"]) if row["message"] else NONE,
        )
        for row in actions
    )
    empty = Html('<p class="empty">Support has not changed anything on your account.</p>')
    body = join(
        [
            head("What support did", "Every step that support took or tried on your account."),
            fill('<ul class="plain">{rows}</ul>', rows=rows) if rows else empty,
        ]
    )
    return page(frame, "What support did", body)
