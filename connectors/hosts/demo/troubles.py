"""The codes that Kettle shows beside a trouble, and which of them apply to a user now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trouble:
    """One entry of the table of codes. `page` is where it shows; texts are for the user."""

    code: str
    title: str
    text: str
    page: str


TROUBLES: dict[str, Trouble] = {
    t.code: t
    for t in (
        Trouble(
            "KT-1001",
            "Your account is locked",
            "There were too many failed sign-ins, so we locked the door to keep your account safe.",
            "/restricted",
        ),
        Trouble(
            "KT-1002",
            "Your password has expired",
            "It is more than a year old. Set a new one to go on.",
            "/restricted",
        ),
        Trouble(
            "KT-1003",
            "Your e-mail address is not confirmed",
            "Until you confirm it we cannot send receipts or delivery news.",
            "/security",
        ),
        Trouble(
            "KT-1004",
            "Your preferences did not reach the roastery",
            "They are saved, but the next box would still be packed the old way.",
            "/preferences",
        ),
        Trouble(
            "KT-1005",
            "Your last payment did not go through",
            "Your bank did not answer in time. Nothing was taken.",
            "/billing",
        ),
        Trouble(
            "KT-1006",
            "Your card has expired",
            "We could not take the last payment, and will not be able to until there is a valid card.",
            "/billing",
        ),
        Trouble(
            "KT-1007",
            "A delivery is late",
            "The carrier reported a delay. We keep an eye on it.",
            "/deliveries",
        ),
        Trouble(
            "KT-1008",
            "An export is stuck",
            "It should have been ready hours ago.",
            "/exports",
        ),
        Trouble(
            "KT-1009",
            "You are signed in on several devices",
            "If you do not know one of them, sign it out.",
            "/security",
        ),
        Trouble(
            "KT-1010",
            "That did not match",
            "The e-mail address or the password is not right.",
            "/sign-in",
        ),
        Trouble(
            "KT-1011",
            "That code did not match",
            "The code is wrong, was used before, or is too old.",
            "/sign-in/code",
        ),
        Trouble(
            "KT-1012",
            "This link does not work any more",
            "It is too old or was used before. Ask for a new one.",
            "/reset",
        ),
        Trouble(
            "KT-1013",
            "We have just sent you one",
            "Please wait a minute before you ask for another.",
            "/security",
        ),
        Trouble(
            "KT-1014",
            "The carrier lost one of your parcels",
            "It cannot be found any more.",
            "/deliveries",
        ),
        Trouble(
            "KT-1015",
            "One invoice seems to be paid twice",
            "Two payments were taken for it.",
            "/billing",
        ),
        Trouble(
            "KT-1016",
            "Our e-mails to you are on hold",
            "Several could not be delivered, so we stopped sending.",
            "/preferences",
        ),
        Trouble(
            "KT-1017",
            "Our e-mails come back to us",
            "Your mailbox does not take them.",
            "/preferences",
        ),
        Trouble(
            "KT-1018",
            "Your mobile number is not confirmed",
            "We send text messages to confirmed numbers only.",
            "/preferences",
        ),
        Trouble(
            "KT-1019",
            "An older plan is shown",
            "Some pages show a plan that you no longer have.",
            "/billing",
        ),
        Trouble(
            "KT-1020",
            "Your change of plan stopped half-way",
            "Some of it is done and some is not.",
            "/billing",
        ),
        Trouble(
            "KT-1021",
            "Something that your plan includes is off",
            "Your plan has it, and your account does not.",
            "/labs",
        ),
    )
}


def troubles_of(parts: Mapping[str, Any]) -> list[Trouble]:
    """Return what is wrong in this state (all parts as `state.read_state` gives them), gravest first."""
    account, billing = parts["account"], parts["billing"]
    found: list[str] = []
    if account["locked"]:
        found.append("KT-1001")
    if account["password_expired"]:
        found.append("KT-1002")
    if billing["status"] == "past_due":
        cause = (billing["last_payment"] or {}).get("failure_code")
        found.append("KT-1006" if cause == "card_expired" else "KT-1005")
    if not account["email_verified"]:
        found.append("KT-1003")
    if parts["preferences"]["sync"]["state"] == "failed":
        found.append("KT-1004")
    if any(order["status"] == "delayed" for order in parts["orders"]):
        found.append("KT-1007")
    if any(export["state"] == "stuck" for export in parts["exports"]):
        found.append("KT-1008")
    found += _more_troubles(parts)
    if len({session["device"] for session in parts["sessions"]}) >= 3:
        found.append("KT-1009")
    return [TROUBLES[code] for code in found]


def _more_troubles(parts: Mapping[str, Any]) -> list[str]:
    subscription, notifications = parts["subscription"], parts["notifications"]
    found: list[str] = []
    if any(order["status"] == "lost" and not order["replaced_by"] for order in parts["orders"]):
        found.append("KT-1014")
    paid = [p["invoice"] for p in parts["billing"]["payments"] if p["status"] == "paid"]
    if len(set(paid)) < len(paid):
        found.append("KT-1015")
    mails = {"suppressed": "KT-1016", "bounced": "KT-1017"}.get(notifications["email"]["state"])
    if mails and notifications["email"]["enabled"]:
        found.append(mails)
    if notifications["sms"]["enabled"] and notifications["sms"]["state"] == "unverified":
        found.append("KT-1018")
    if subscription["migration"]["state"] == "half_applied":
        found.append("KT-1020")
    elif subscription["shown_plan"] != subscription["plan"]:
        found.append("KT-1019")
    if any(on and parts["features"].get(name) is not True for name, on in parts["entitlements"].items()):
        found.append("KT-1021")
    return found
