"""What a host application may answer. It may be wrong or hostile: nothing else gets through.

The content of a part is the host's own. Parts with a name that the contract defines must have the contract's
types where a field is present; further fields are let through.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=500)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Moment = Annotated[AwareDatetime, Field(strict=False)]
Flag = Annotated[bool, Field(strict=True)]
Cents = Annotated[int, Field(ge=-(10**12), le=10**12)]
MAX_PARTS = 32
MAX_ROWS = 1000


def _loose_code(value: Any) -> Any:
    """A host's code is a word for programs: anything that is not one is dropped."""
    return value if isinstance(value, str) and 1 <= len(value) <= 64 and value.isprintable() else None


Code = Annotated[str | None, BeforeValidator(_loose_code)]


class Wire(BaseModel):
    """Exact JSON types; unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class StateAnswer(Wire):
    """The answer to GET .../state."""

    ref: Short
    as_of: Moment
    parts: Annotated[dict[Name, Any], Field(max_length=MAX_PARTS)]


class OperationItem(Wire):
    """One operation in a list."""

    name: Name
    title: Short
    allowed: bool
    reason: Text | None = None
    changes: bool = True
    confirm_at: Annotated[str, Field(max_length=500, pattern=r"^(/[^/\\]|https?://)\S*$")] | None = None


class OperationsAnswer(Wire):
    """The answer to GET .../operations."""

    operations: Annotated[list[OperationItem], Field(max_length=200)]


class ResultAnswer(Wire):
    """The answer to POST .../operations/{name}."""

    status: Literal["done", "accepted", "refused", "failed"]
    code: Code = None
    message: Text | None = None
    result: dict[str, Any] = Field(default_factory=dict)


class LookupAnswer(Wire):
    """The answer to POST .../lookup."""

    ref: Short


class UsersAnswer(Wire):
    """The answer to GET .../users."""

    users: Annotated[list[Short], Field(max_length=500)]
    next: Short | None = None


class Refusal(Wire):
    """The body of an error."""

    code: Code = None
    message: Text | None = None


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class SecondFactor(_Part):
    """Whether signing in takes more than a password."""

    enabled: bool | None = None
    method: Text | None = None
    lost_device: bool | None = None


class Account(_Part):
    """Can the user get in, and if not, why."""

    email: Text | None = None
    name: Text | None = None
    status: Text | None = None
    email_verified: bool | None = None
    locked: bool | None = None
    lock_reason: Text | None = None
    failed_sign_ins: Annotated[int, Field(ge=0)] | None = None
    password_expired: bool | None = None
    password_reset_sent_at: Moment | None = None
    verification_sent_at: Moment | None = None
    second_factor: SecondFactor | None = None


class Payment(_Part):
    """A payment; amounts in hundredths of the currency."""

    id: Text | None = None
    invoice: Text | None = None
    status: Literal["paid", "failed"] | None = None
    failure_code: Text | None = None
    at: Moment | None = None
    amount_cents: Cents | None = None


class PaymentMethod(_Part):
    """How the user pays; `expires` as YYYY-MM."""

    kind: Text | None = None
    last4: Annotated[str, StringConstraints(max_length=4)] | None = None
    expires: Text | None = None


class Invoice(_Part):
    """An invoice; dates as YYYY-MM-DD."""

    number: Short
    date: Text | None = None
    amount_cents: Cents | None = None
    status: Text | None = None
    refundable_until: Text | None = None


class Billing(_Part):
    """What the user pays and whether it worked."""

    plan: Text | None = None
    status: Literal["active", "past_due"] | None = None
    currency: Text | None = None
    amount_due_cents: Cents | None = None
    last_payment: Payment | None = None
    payment_method: PaymentMethod | None = None
    invoices: Annotated[list[Invoice], Field(max_length=MAX_ROWS)] | None = None
    payments: Annotated[list[Payment], Field(max_length=MAX_ROWS)] | None = None
    invoice_sent: dict[str, Moment] | None = None


class Order(_Part):
    """A delivery."""

    number: Short
    status: Literal["processing", "shipped", "in_transit", "delayed", "delivered", "lost"] | None = None
    placed_at: Text | None = None
    expected_at: Text | None = None
    carrier: Text | None = None
    tracking: Text | None = None
    items: Annotated[list[Text], Field(max_length=MAX_ROWS)] | None = None
    replaced_by: Text | None = None


class Sync(_Part):
    """Whether what was saved is in force."""

    state: Literal["in_sync", "failed", "pending"]
    error: Text | None = None
    last_synced_at: Moment | None = None


class Preferences(_Part):
    """What the user chose beside what is in force."""

    saved: dict[str, Any]
    applied: dict[str, Any]
    sync: Sync


class Export(_Part):
    """A file that the user asked for."""

    id: Short
    kind: Text | None = None
    state: Literal["ready", "running", "stuck"]
    requested_at: Moment | None = None


class Session(_Part):
    """Where the user is signed in."""

    id: Short
    device: Text | None = None
    last_seen: Moment | None = None
    current: bool | None = None


class EmailDelivery(_Part):
    """Whether mails reach the user."""

    enabled: bool | None = None
    state: Literal["ok", "bounced", "suppressed"] | None = None
    reason: Text | None = None


class TextMessages(_Part):
    """Whether text messages reach the user."""

    enabled: bool | None = None
    number: Text | None = None
    state: Literal["ok", "unverified"] | None = None


class Notifications(_Part):
    """How the user is written to."""

    email: EmailDelivery | None = None
    sms: TextMessages | None = None
    last_sent_at: Moment | None = None


class Box(_Part):
    """What is sent next."""

    number: Text | None = None
    date: Text | None = None
    skipped: bool | None = None


class Migration(_Part):
    """A change of plan, which takes steps."""

    state: Literal["none", "done", "half_applied"] | None = None
    steps_done: Annotated[int, Field(ge=0)] | None = None
    steps: Annotated[int, Field(ge=0)] | None = None


class Subscription(_Part):
    """What the user has subscribed to, and what the pages show of it."""

    plan: Text | None = None
    shown_plan: Text | None = None
    state: Literal["active", "paused", "cancelled"] | None = None
    paused_until: Text | None = None
    next_delivery: Box | None = None
    migration: Migration | None = None


PARTS: dict[str, TypeAdapter[Any]] = {
    "account": TypeAdapter(Account),
    "billing": TypeAdapter(Billing),
    "orders": TypeAdapter(Annotated[list[Order], Field(strict=True, max_length=MAX_ROWS)]),
    "preferences": TypeAdapter(Preferences),
    "features": TypeAdapter(Annotated[dict[str, Flag], Field(strict=True, max_length=MAX_ROWS)]),
    "entitlements": TypeAdapter(Annotated[dict[str, Flag], Field(strict=True, max_length=MAX_ROWS)]),
    "notifications": TypeAdapter(Notifications),
    "subscription": TypeAdapter(Subscription),
    "exports": TypeAdapter(Annotated[list[Export], Field(strict=True, max_length=MAX_ROWS)]),
    "sessions": TypeAdapter(Annotated[list[Session], Field(strict=True, max_length=MAX_ROWS)]),
}


def check_parts(parts: dict[str, Any]) -> None:
    """Check the parts that the contract defines.

    Raises:
        ValidationError: (pydantic) when one has another shape.
    """
    for name, content in parts.items():
        if name in PARTS:
            PARTS[name].validate_python(content)


def is_from_future(moment: datetime, now: datetime, *, skew_seconds: float) -> bool:
    """Tell whether a host's clock is further ahead of ours than the contract allows."""
    return (moment.astimezone(UTC) - now).total_seconds() > skew_seconds
