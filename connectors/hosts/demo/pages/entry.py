"""Pages for who is not (fully) signed in: sign-in, code, locked out, links from mails, the outbox."""

import sqlite3
from collections.abc import Sequence

from connectors.hosts.demo.pages.html import NONE, Html, ago, fill, join
from connectors.hosts.demo.pages.layout import Frame, button, csrf_field, head, notice, page
from connectors.hosts.demo.sample import PASSWORD, SAMPLES
from connectors.hosts.demo.troubles import TROUBLES, Trouble

_ART = Html(
    '<svg class="art" viewBox="0 0 240 180" aria-hidden="true"><g class="steam"><path d="M92 64c-10-12 '
    '10-20 0-34"/>'
    '<path d="M120 58c-10-12 10-20 0-36"/><path d="M148 64c-10-12 10-20 0-34"/></g><path class="cup" '
    'd="M62 80h116v26a50 '
    '50 0 0 1-50 50h-16a50 50 0 0 1-50-50z"/><path class="ear" d="M178 90h10a18 18 0 0 1 0 36h-14"/>'
    '<ellipse class="drink" cx="120" cy="80" rx="58" ry="9"/><path class="plate" d="M46 164h148"/></svg>'
)

_SIGN_IN = """<div class="welcome"><section class="pitch">{art}<h1>Good tea and coffee, without thinking of
it.</h1>
<p class="lead">A box at your door when the last one runs out.</p></section>
<section class="card" aria-labelledby="signin"><h2 id="signin">Sign in</h2>{said}{trouble}
<form method="post" action="/sign-in" class="stack" data-firstline-step="sign_in">
<label>E-mail address<input name="email" type="email" autocomplete="username" required maxlength="254"
value="{email}"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required
maxlength="200"></label>
<button>Sign in</button></form>
<p><a class="link" href="/forgot">Forgot your password?</a></p></section></div>
<section class="samples" aria-labelledby="samples"><div class="row"><h2 id="samples">Sample users</h2>
<form method="post" action="/demo/reset"><button class="quiet">Restore the sample data</button></form></div>
<p>Each has a trouble of their own. The password of all is <code>{password}</code>; choose one to fill it
in.</p>
<ul>{rows}</ul></section>"""


def sign_in(frame: Frame, *, email: str = "", failed: bool = False, said: str = "") -> Html:
    """The sign-in page, with the sample users and the trouble each is in."""
    trouble = notice(TROUBLES["KT-1010"], chat=False) if failed else NONE
    rows = join(
        fill(
            '<li><button type="button" '
            'data-fill="{email}"><strong>{name}</strong><span>{trouble}</span>{code}</button></li>',
            email=sample.email,
            name=sample.name.split()[0],
            trouble=sample.trouble,
            code=fill("<code>{code}</code>", code=sample.code) if sample.code else NONE,
        )
        for sample in SAMPLES
    )
    body = fill(
        _SIGN_IN,
        art=_ART,
        trouble=trouble,
        email=email,
        rows=rows,
        password=PASSWORD,
        said=fill('<p class="said" role="status">{said}</p>', said=said) if said else NONE,
    )
    return page(frame, "Sign in", body, "entry")


def forgot(frame: Frame, *, done: bool = False) -> Html:
    """Ask for a link to set a new password; says the same whether or not the address is known."""
    if done:
        body = Html(
            '<section class="card narrow"><h1>Look into your mail</h1><p>If we know the address, a link '
            "is on its "
            'way. It works for an hour.</p><p><a class="button" href="/outbox">Open the '
            "outbox</a></p></section>"
        )
    else:
        body = Html(
            '<section class="card narrow"><h1>Set a new password</h1><form method="post" action="/forgot" '
            'class="stack"><label>E-mail address<input name="email" type="email" '
            'autocomplete="username" required '
            'maxlength="254"></label><button>Send me a link</button></form></section>'
        )
    return page(frame, "Forgot your password?", body, "entry")


def code(frame: Frame, *, failed: bool = False, action: str = "/sign-in/code", sent: bool = True) -> Html:
    """Ask for the code that was mailed: at sign-in, or to confirm a delicate step."""
    form = fill(
        '<form method="post" action="{action}" class="stack">{csrf}<label>Six digits<input name="code" '
        'inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{{6}}" maxlength="6" '
        "required></label>"
        "<button>Confirm</button></form>",
        action=action,
        csrf=csrf_field(frame),
    )
    ask = button(frame, f"{action}/send", "Send me a code" if not sent else "Send another code", quiet=sent)
    body = fill(
        '<section class="card narrow"><h1>Confirm that it is you</h1>{trouble}<p>{text} In this sample '
        "application it "
        'is in the <a href="/outbox">outbox</a>.</p>{form}{ask}</section>',
        trouble=notice(TROUBLES["KT-1011"], chat=False) if failed else NONE,
        text="We sent a code to your e-mail address." if sent else "We send a code to your e-mail address.",
        form=form if sent else NONE,
        ask=ask,
    )
    return page(frame, "Confirm that it is you", body, "entry")


def restricted(frame: Frame, troubles: Sequence[Trouble]) -> Html:
    """All that a locked-out user sees: why, the code, and that the chat can help."""
    boxes = join(notice(trouble) for trouble in troubles if trouble.code in ("KT-1001", "KT-1002"))
    locked = any(trouble.code == "KT-1001" for trouble in troubles)
    text = (
        "We can unlock your account in the chat: it takes a minute."
        if locked
        else "We can send you a link in the chat. Then open it and choose a new password."
    )
    body = fill(
        '<div class="lockout">{art}<h1>Almost there, {name}</h1><p class="lead">Your password was '
        "right. {text}</p>"
        '{boxes}<p><a class="button quiet" href="/">Look again</a></p></div>',
        art=_ART,
        name=frame.name.split()[0],
        text=text,
        boxes=boxes,
    )
    return page(frame, "Almost there", body, "entry")


def new_password(frame: Frame, token: str, *, complaint: str = "") -> Html:
    """Choose a new password, from the link in a mail."""
    body = fill(
        '<section class="card narrow"><h1>Choose a new password</h1>{complaint}<form method="post" '
        'action="/reset" '
        'class="stack"><input type="hidden" name="token" value="{token}"><label>New password<input '
        'name="password" '
        'type="password" autocomplete="new-password" minlength="8" maxlength="200" required></label>'
        "<p class='hint'>Eight characters or more.</p><button>Save</button></form></section>",
        token=token,
        complaint=fill('<p class="said bad" role="alert">{text}</p>', text=complaint) if complaint else NONE,
    )
    return page(frame, "Choose a new password", body, "entry")


def message(frame: Frame, title: str, text: str, link: tuple[str, str]) -> Html:
    """A page that says one thing."""
    body = fill(
        '<section class="card narrow"><h1>{title}</h1><p>{text}</p><p><a class="button" '
        'href="{href}">{go}</a></p>'
        "</section>",
        title=title,
        text=text,
        href=link[0],
        go=link[1],
    )
    return page(frame, title, body, "entry")


def dead_link(frame: Frame) -> Html:
    """A link from a mail that does not work any more."""
    body = fill(
        '<div class="narrow">{box}<p><a class="button" href="/">Go to Kettle</a></p></div>',
        box=notice(TROUBLES["KT-1012"], chat=False),
    )
    return page(frame, "This link does not work any more", body, "entry")


def outbox(frame: Frame, mails: Sequence[sqlite3.Row]) -> Html:
    """The mails that were "sent", newest first."""
    rows = join(
        fill(
            '<li class="card mail"><div class="row"><h2>{subject}</h2><span class="dim">{at}</span></div>'
            '<p class="dim">To {to}</p><p>{body}</p>{link}</li>',
            subject=mail["subject"],
            at=ago(mail["sent_at"]),
            to=mail["recipient"],
            body=mail["body"],
            link=fill(
                '<p><a class="button" href="{href}">{text}</a></p>', href=mail["link"], text=mail["subject"]
            )
            if mail["link"]
            else NONE,
        )
        for mail in mails
    )
    lead = "Kettle has no mail server. What it would send is here."
    empty = Html('<p class="empty">Nothing was sent yet.</p>')
    listing = fill('<ul class="plain">{rows}</ul>', rows=rows) if rows else empty
    return page(frame, "Outbox", join([head("Outbox", lead), listing]))
