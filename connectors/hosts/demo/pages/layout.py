"""The frame around every page, and the pieces that several pages use."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.hosts.demo.pages.html import NONE, Html, fill, join
from connectors.hosts.demo.troubles import Trouble

NAV = (
    ("/", "Home"),
    ("/deliveries", "Deliveries"),
    ("/billing", "Billing"),
    ("/preferences", "Preferences"),
    ("/exports", "Exports"),
    ("/security", "Security"),
    ("/labs", "Labs"),
    ("/support", "Support log"),
)
_MARK = Html(
    '<svg viewBox="0 0 32 32" aria-hidden="true" class="mark"><path d="M7 13h15l1.6 11.2a3 3 0 0 1-3 '
    "3.3H8.4a3 3 0 0 "
    '1-3-3.3z"/><path class="line" d="M9 13c0-3.6 2.4-6 5.500-6s5.500 2.400 5.500 6M22.500 15.500 28 '
    "11v4.500l-4.600 "
    '5M14.500 7V4.200"/></svg>'
)
_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Kettle</title>
<link rel="icon" href="/static/kettle.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/kettle.css?v=1">
{scripts}
</head>
<body{chat}>
<a class="skip" href="#content">Skip to the content</a>
<div id="shell">
{header}
<main id="content" tabindex="-1" class="{kind}">
{body}
</main>
</div>
<p id="said" class="unseen" role="status"></p>
<footer><p>Kettle is a sample application. Nothing is charged, roasted or posted. <a href="/outbox">Outbox
of sent
mails</a></p></footer>
</body>
</html>
"""


@dataclass(frozen=True)
class Frame:
    """What a page needs to know about who looks at it; `name` and `csrf` are empty for a stranger."""

    path: str
    firstline_url: str
    name: str = ""
    csrf: str = ""
    restricted: bool = False


def page(frame: Frame, title: str, body: Html, kind: str = "") -> Html:
    """Return the whole document. The widget comes with every page of a signed-in user."""
    signed_in = bool(frame.csrf)
    widget = fill('<script type="module" src="{url}/widget.js"></script>\n', url=frame.firstline_url)
    return fill(
        _DOCUMENT,
        title=title,
        kind=kind,
        body=body,
        header=_header(frame),
        chat=fill(' data-firstline="{url}"', url=frame.firstline_url) if signed_in else NONE,
        scripts=join(
            [
                widget if signed_in else NONE,
                Html('<script type="module" src="/static/kettle.js?v=1"></script>'),
            ]
        ),
    )


def _header(frame: Frame) -> Html:
    brand = fill('<a class="brand" href="/">{mark}<span>Kettle</span></a>', mark=_MARK)
    if not frame.csrf:
        return fill("<header><div class='bar'>{brand}</div></header>", brand=brand)
    links = join(
        fill(
            '<a href="{href}"{here}>{text}</a>',
            href=href,
            text=text,
            here=Html(' aria-current="page"') if href == frame.path else NONE,
        )
        for href, text in NAV
    )
    nav = NONE if frame.restricted else fill('<nav aria-label="Kettle">{links}</nav>', links=links)
    who = fill(
        '<div class="who"><span class="avatar" aria-hidden="true">{letter}</span><span '
        'class="whose">{name}</span>'
        '<form method="post" action="/sign-out">{csrf}<button class="quiet">Sign out</button></form></div>',
        letter=frame.name[:1],
        name=frame.name,
        csrf=csrf_field(frame),
    )
    return fill("<header><div class='bar'>{brand}{who}</div>{nav}</header>", brand=brand, nav=nav, who=who)


def csrf_field(frame: Frame) -> Html:
    """Return the hidden field that every form of a signed-in user carries."""
    return fill('<input type="hidden" name="csrf" value="{csrf}">', csrf=frame.csrf)


def button(frame: Frame, action: str, text: str, *, quiet: bool = False) -> Html:
    """Return a form that is one button."""
    return fill(
        '<form method="post" action="{action}">{csrf}<button{quiet}>{text}</button></form>',
        action=action,
        csrf=csrf_field(frame),
        text=text,
        quiet=Html(' class="quiet"') if quiet else NONE,
    )


def head(title: str, lead: str) -> Html:
    """Return a page's heading and the line under it."""
    return fill('<div class="head"><h1>{title}</h1><p class="lead">{lead}</p></div>', title=title, lead=lead)


def notice(
    trouble: Trouble, *, link: tuple[str, str] | None = None, detail: str = "", chat: bool = True
) -> Html:
    """Return the box that tells of a trouble, with its code and a way to ask about it."""
    return fill(
        '<section class="notice" data-error-code="{code}" aria-label="{title}"><div><h2>{title}</h2>'
        '<p>{text}{detail}</p></div><div class="side"><code>{code}</code>{link}{ask}</div></section>',
        code=trouble.code,
        title=trouble.title,
        text=trouble.text,
        detail=f" {detail}" if detail else "",
        link=fill('<a class="button quiet" href="{href}">{text}</a>', href=link[0], text=link[1])
        if link
        else NONE,
        ask=fill(
            '<button type="button" class="quiet" data-ask="{code}" hidden>Ask support</button>',
            code=trouble.code,
        )
        if chat
        else NONE,
    )


def said_box(text: str, failed: str = "") -> Html:
    """Return the line that says how it went; `failed` names the step that did not work."""
    if not text:
        return NONE
    mark = fill(' data-firstline-failed="{step}"', step=failed) if failed else NONE
    return fill('<p class="said" role="status"{mark}>{text}</p>', mark=mark, text=text)


def notices(troubles: Sequence[Trouble], *codes: str) -> Html:
    """Return the boxes of those troubles that have one of these codes."""
    return join(notice(trouble) for trouble in troubles if trouble.code in codes)


def badge(text: str, tone: str = "") -> Html:
    """Return a small label; tone "good", "bad", "wait" or none."""
    return fill('<span class="badge {tone}">{text}</span>', text=text, tone=tone)


def facts(rows: Sequence[tuple[str, str | Html]]) -> Html:
    """Return a list of names and values."""
    return fill(
        '<dl class="facts">{rows}</dl>',
        rows=join(fill("<div><dt>{name}</dt><dd>{value}</dd></div>", name=n, value=v) for n, v in rows),
    )
