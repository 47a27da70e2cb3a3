"""The pages about how Kettle works for the user: preferences, exports, security, labs."""

from collections.abc import Sequence
from typing import Any

from connectors.hosts.demo.pages.html import NONE, Html, ago, fill, join, words
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
from connectors.hosts.demo.troubles import TROUBLES, Trouble

CHOICES = {
    "grind": ("whole_bean", "espresso", "filter", "french_press"),
    "roast": ("light", "medium", "dark"),
    "delivery_day": ("monday", "thursday", "saturday"),
}
SWITCHES = {
    "delivery_reminder": "Remind me the day before a delivery",
    "newsletter": "Send me the monthly letter",
}
FLAGS = {
    "brew_guides": ("Brew guides", "A short guide in every box, for your way of brewing."),
    "gift_boxes": ("Gift boxes", "Send a box to somebody else."),
    "roast_radar": ("Roast radar", "See what is in the roaster this week."),
    "swap_in_app": ("Swap in the app", "Change what is in the next box until the evening before."),
}

_PREFERENCES = """{head}{said}{notices}<div class="two"><section
class="card"><h2>Your choice</h2>{form}</section>
<section class="card"><div class="row"><h2 id="force">At the roastery</h2>{badge}</div><p
class="dim">{last}{error}</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="force"><table><thead><tr><th
scope="col">Setting</th>
<th scope="col">Saved</th><th scope="col">In
force</th></tr></thead><tbody>{rows}</tbody></table></div></section></div>"""
_SECURITY = """{head}{said}{notices}<div class="two"><section class="card"><h2>E-mail
address</h2>{mail}{resend}</section>
<section class="card"><h2>Signing in</h2>{factor}{reset}</section></div>
<section class="card"><div class="row"><h2>Devices</h2>{out}</div><ul class="plain
lines">{devices}</ul></section>"""


def preferences(
    frame: Frame, state: dict[str, Any], troubles: Sequence[Trouble], said: str = "", *, unsent: bool = False
) -> Html:
    """What the user chose beside what is in force at the roastery."""
    content = state["preferences"]
    sync = content["sync"]
    tone, word = {"in_sync": ("good", "In step"), "failed": ("bad", "Not in step")}.get(
        sync["state"], ("wait", "On its way")
    )
    names = {**{name: words(name) for name in CHOICES}, **{n: words(n) for n in SWITCHES}}
    rows = join(
        fill(
            "<tr{mark}><th scope='row'>{name}</th><td>{saved}</td><td>{applied}</td></tr>",
            mark=Html(" class='differs'") if content["saved"][key] != content["applied"][key] else NONE,
            name=name,
            saved=_value(content["saved"][key]),
            applied=_value(content["applied"][key]),
        )
        for key, name in names.items()
    )
    last = f"Last in step {ago(sync['last_synced_at'])}." if sync["last_synced_at"] else ""
    error = f" Reason: {words(sync['error']).lower()}." if sync["error"] else ""
    body = fill(
        _PREFERENCES,
        head=head("Preferences", "What goes into the box, and when it comes."),
        said=said_box(said, failed="save_preferences" if unsent else ""),
        notices=notices(troubles, "KT-1004", "KT-1016", "KT-1017", "KT-1018"),
        form=_form(frame, content["saved"]),
        badge=badge(word, tone),
        last=last,
        error=error,
        rows=rows,
    )
    return page(frame, "Preferences", body)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return words(str(value))


def _form(frame: Frame, saved: dict[str, Any]) -> Html:
    selects = join(
        fill(
            '<label>{label}<select name="{name}">{options}</select></label>',
            label=words(name),
            name=name,
            options=join(
                fill(
                    '<option value="{value}"{on}>{text}</option>',
                    value=value,
                    text=words(value),
                    on=Html(" selected") if saved[name] == value else NONE,
                )
                for value in values
            ),
        )
        for name, values in CHOICES.items()
    )
    boxes = join(
        fill(
            '<label class="check"><input type="checkbox" name="{name}"{on}>{text}</label>',
            name=name,
            text=text,
            on=Html(" checked") if saved[name] else NONE,
        )
        for name, text in SWITCHES.items()
    )
    return fill(
        '<form method="post" action="/preferences" class="stack" '
        'data-firstline-step="save_preferences">{csrf}{selects}{boxes}'
        "<button>Save</button></form>",
        csrf=csrf_field(frame),
        selects=selects,
        boxes=boxes,
    )


def exports(frame: Frame, state: dict[str, Any], troubles: Sequence[Trouble]) -> Html:
    """Files that the user asked for."""
    form = fill(
        '<form method="post" action="/exports" class="card inline" data-firstline-step="new_export">{csrf}'
        '<label>New export<select name="kind">'
        '<option value="orders">Orders</option><option value="invoices">Invoices</option></select></label>'
        "<button>Start</button></form>",
        csrf=csrf_field(frame),
    )
    body = fill(
        '{head}{notices}{form}<ul class="plain">{rows}</ul>',
        head=head("Exports", "Your data as files, for you to keep."),
        notices=notices(troubles, "KT-1008"),
        form=form,
        rows=_export_rows(state["exports"]),
    )
    return page(frame, "Exports", body)


def _export_rows(exports: Sequence[dict[str, Any]]) -> Html:
    tones = {"ready": "good", "running": "wait", "stuck": "bad"}
    return join(
        fill(
            '<li class="card" data-export="{id}"{running}><div class="row"><h2>{kind}</h2>{badge}</div><p '
            'class="dim">Asked for '
            "{at}</p>{link}</li>",
            id=row["id"],
            running=Html(" data-running") if row["state"] == "running" else NONE,
            kind=words(row["kind"]),
            badge=badge(words(row["state"]), tones[row["state"]]),
            at=ago(row["requested_at"]),
            link=fill(
                '<p><a class="button quiet" href="/exports/{id}.csv">Download CSV</a></p>', id=row["id"]
            )
            if row["state"] == "ready"
            else NONE,
        )
        for row in exports
    )


def security(
    frame: Frame,
    state: dict[str, Any],
    troubles: Sequence[Trouble],
    here: str,
    *,
    said: str = "",
    waiting: bool = False,
) -> Html:
    """The e-mail address, the second factor, and where the user is signed in; `here` is this session's id."""
    account = state["account"]
    verified = account["email_verified"]
    sent = account["verification_sent_at"]
    mail = facts(
        [("Address", account["email"]),
         ("Confirmed", badge("Yes", "good") if verified else badge("No", "bad")),
         ("Confirmation sent", ago(sent) if sent else "Never")]
    )  # fmt: skip
    factor = "A code by e-mail" if account["second_factor"]["enabled"] else "Off"
    body = fill(
        _SECURITY,
        head=head("Security", "Who can get in, and from where."),
        said=fill('<p class="said" role="status">{text}</p>', text=said) if said else NONE,
        notices=join(
            [notice(TROUBLES["KT-1013"]) if waiting else NONE, notices(troubles, "KT-1003", "KT-1009")]
        ),
        mail=mail,
        resend=NONE if verified else button(frame, "/security/verification", "Send it again"),
        factor=facts([("Second factor", factor), ("Failed sign-ins", str(account["failed_sign_ins"]))]),
        reset=button(frame, "/security/password", "Send me a link to change the password", quiet=True),
        out=button(frame, "/security/sign-out-others", "Sign out all others", quiet=True)
        if len(state["sessions"]) > 1
        else NONE,
        devices=_devices(state["sessions"], here),
    )
    return page(frame, "Security", body)


def _devices(sessions: Sequence[dict[str, Any]], here: str) -> Html:
    return join(
        fill(
            '<li class="row"><div><strong>{device}</strong><p class="dim">Last seen '
            "{seen}</p></div>{badge}</li>",
            device=row["device"],
            seen=ago(row["last_seen"]),
            badge=badge("This one", "good") if row["id"] == here else NONE,
        )
        for row in sessions
    )


def labs(frame: Frame, state: dict[str, Any], troubles: Sequence[Trouble]) -> Html:
    """Feature flags; what the plan includes cannot be turned off here."""
    entitled = state["entitlements"]
    rows = join(
        fill(
            '<li class="card"><div class="row"><div><h2>{title}</h2><p '
            'class="dim">{text}</p></div>{badge}</div>'
            "{switch}</li>",
            title=_flag(name)[0],
            text=_flag(name)[1],
            badge=badge("On", "good") if on else badge("Off", "bad" if entitled.get(name) else ""),
            switch=fill('<p class="dim">Part of your plan</p>')
            if entitled.get(name)
            else _switch(frame, name, on),
        )
        for name, on in state["features"].items()
    )
    body = fill(
        '{head}{notices}<ul class="plain grid">{rows}</ul>',
        head=head("Labs", "What your plan includes, and what is new for you to try."),
        notices=notices(troubles, "KT-1021"),
        rows=rows,
    )
    return page(frame, "Labs", body)


def _flag(name: str) -> tuple[str, str]:
    return FLAGS.get(name, (words(name), ""))


def _switch(frame: Frame, name: str, on: bool) -> Html:
    return fill(
        '<form method="post" action="/labs">{csrf}<input type="hidden" name="flag" value="{name}"><button '
        'class="quiet">{verb}<span class="unseen"> {title}</span></button></form>',
        csrf=csrf_field(frame),
        name=name,
        verb="Turn off" if on else "Turn on",
        title=_flag(name)[0],
    )
