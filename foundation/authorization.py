"""May this principal do this to that? One port, `Authorizer.authorize`, through which every check goes.

A room's `permissions.py` has its actions (a subclass of `Action`) and one `AccessRule` for each, and
`app/permissions.py` puts them together. What has no rule is denied. A check has two moments: a call is
admitted before anything is looked up (`UNSEEN`), which settles who may ever do this; it is judged again with
the resource when the rule has requirements of it. Pure: rules read principals and resources and nothing else,
so that a policy engine, or rules by time, region or incident, can stand behind the port.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol

from foundation.callers import Caller
from foundation.errors import ClientError, Forbidden, NotFound, Unauthenticated
from foundation.ids import StaffId

ADMIN = "admin"
"""The role that has every other role's permissions."""
PrincipalKind = Literal["anonymous", "local", "user", "staff", "service"]
Whose = Literal["public", "local", "user", "staff", "service"]


class Action(StrEnum):
    """Base of the rooms' vocabularies: what can be done, as `thing.verb`."""


@dataclass(frozen=True)
class Principal:
    """Who acts; made as one of the classes below."""

    kind: ClassVar[PrincipalKind]


@dataclass(frozen=True)
class Anonymous(Principal):
    """Nobody who could prove who they are."""

    kind: ClassVar[PrincipalKind] = "anonymous"


@dataclass(frozen=True)
class LocalCaller(Principal):
    """Whoever calls from this machine itself, by no proxy."""

    kind: ClassVar[PrincipalKind] = "local"


@dataclass(frozen=True)
class HostUser(Principal):
    """A user, as the application `host` names them (`ref`)."""

    host: str
    ref: str

    kind: ClassVar[PrincipalKind] = "user"


@dataclass(frozen=True)
class StaffMember(Principal):
    """A member of staff with the roles of their account."""

    id: StaffId
    name: str = ""
    roles: frozenset[str] = frozenset()

    kind: ClassVar[PrincipalKind] = "staff"

    @property
    def is_admin(self) -> bool:
        """Tell whether they have every role's permissions."""
        return ADMIN in self.roles


@dataclass(frozen=True)
class OwnService(Principal):
    """One of our own processes."""

    kind: ClassVar[PrincipalKind] = "service"


def principal_of(caller: Caller) -> Principal:
    """Return who a caller is for authorization."""
    match caller.kind:
        case "user":
            return HostUser(caller.host or "", caller.ref or "")
        case "staff":
            return StaffMember(StaffId(caller.id), caller.name, caller.roles)
        case "service":
            return OwnService()
        case "anonymous":
            return Anonymous()


@dataclass(frozen=True)
class AssignedTo:
    """The member of staff who has a resource."""

    id: str
    name: str


@dataclass(frozen=True)
class Resource:
    """What is acted upon, with the attributes that rules read; what is missing has the attributes of nothing.

    `host` and `owner` name the user whose it is, `assignee` who works on it, `status` how it stands.
    """

    kind: str
    id: str | None = None
    host: str | None = None
    owner: str | None = None
    assignee: AssignedTo | None = None
    status: str | None = None


UNSEEN = Resource("unseen")
"""Nothing was looked up yet, or there is nothing to look up; requirements are not judged by it."""


@dataclass(frozen=True)
class Denial:
    """Why not: a `reason` code for records, and what the caller is told.

    `error` gives the status: 404 where the caller must not learn that there is such a thing.
    """

    reason: str
    error: type[ClientError]
    message: str
    hint: str | None = None
    code: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """The answer to one question."""

    denial: Denial | None = None

    @property
    def allowed(self) -> bool:
        """Tell whether it may be done."""
        return self.denial is None

    @property
    def reason(self) -> str:
        """Return the code of the reason; `allowed` when there is no denial."""
        return self.denial.reason if self.denial else "allowed"

    def enforce(self) -> None:
        """Do nothing when it may be done.

        Raises:
            ClientError: the denial's own kind, with its message, hint and code.
        """
        if (denial := self.denial) is not None:
            raise denial.error(
                denial.message, hint=denial.hint, code=denial.code, extra={**denial.extra} or None
            )


@dataclass(frozen=True)
class Who:
    """Which principals an action is for; `roles` are those of staff, none for any staff."""

    kinds: frozenset[Whose]
    roles: tuple[str, ...] = ()

    def describe(self) -> str:
        """Say in words who this is."""
        kinds = " or ".join(sorted(self.kinds))
        return f"{kinds} ({', '.join(sorted({*self.roles, ADMIN}))})" if self.roles else kinds

    def denial(self, principal: Principal) -> Denial | None:
        """Say why this principal may not, whatever the resource is; None when they may."""
        if "public" in self.kinds:
            return None
        if principal.kind not in self.kinds:
            return _NOT_LOCAL if self.kinds == {"local"} else _not_signed_in(self.kinds)
        if isinstance(principal, StaffMember) and self.roles and not principal.roles & {*self.roles, ADMIN}:
            hint = f"It takes one of: {', '.join(self.roles)}."
            return Denial("role", Forbidden, "Your role may not do this.", hint)
        return None


_NOT_LOCAL = Denial(
    "not_local",
    Forbidden,
    "This address answers only on the machine itself, and not through a proxy.",
    "Call it there by 127.0.0.1 or localhost.",
)
_NO_RULE = Denial("no_rule", Forbidden, "Nobody may do this.", "There is no rule that allows it.")


def _not_signed_in(kinds: frozenset[Whose]) -> Denial:
    if "staff" in kinds and "user" not in kinds:
        hint = "Sign in with a staff account."
    else:
        hint = "Send the host application's user token as `Authorization: Bearer ...`."
    return Denial("not_signed_in", Unauthenticated, "You are not signed in.", hint)


def anybody() -> Who:
    """Anybody; nobody is asked who they are."""
    return Who(frozenset({"public"}))


def this_machine() -> Who:
    """Whoever calls from this machine's loopback interface, but nobody whom a proxy forwards."""
    return Who(frozenset({"local"}))


def users() -> Who:
    """Users of host applications."""
    return Who(frozenset({"user"}))


def staff(*roles: str) -> Who:
    """Staff with any of `roles` (admin always); any staff when no role is named."""
    return Who(frozenset({"staff"}), roles)


def users_or_staff() -> Who:
    """Users of host applications and any staff."""
    return Who(frozenset({"user", "staff"}))


def own_services() -> Who:
    """Our own processes."""
    return Who(frozenset({"service"}))


@dataclass(frozen=True)
class Requirement:
    """What must hold of a resource for a principal who may do the action as such; `text` says it for people.

    `denial` returns why it does not hold, or None.
    """

    text: str
    denial: Callable[[Principal, Resource], Denial | None]


@dataclass(frozen=True)
class AccessRule:
    """Who may do something, and what must hold of the resource; the first requirement not met denies."""

    who: Who
    requirements: tuple[Requirement, ...] = ()


Rules = Mapping[Action, AccessRule]


class Authorizer(Protocol):
    """The port."""

    def who(self, action: Action) -> Who:
        """Return whom an action is for, from which follow the credentials that are read."""
        ...

    def authorize(self, principal: Principal, action: Action, resource: Resource = UNSEEN) -> Decision:
        """Decide. What no rule allows is denied."""
        ...


class Rulebook:
    """Decides by rules in the code. Implements `Authorizer`."""

    def __init__(self, *rooms: Rules) -> None:
        """Put the rooms' rules together. Raises ValueError when two rooms have a rule for one action."""
        self._rules: dict[Action, AccessRule] = {}
        for rules in rooms:
            if twice := self._rules.keys() & rules.keys():
                raise ValueError(f"two rules for {', '.join(sorted(twice))}")
            self._rules.update(rules)

    def __iter__(self) -> Iterator[tuple[Action, AccessRule]]:
        """Give the actions with their rules."""
        return iter(self._rules.items())

    def who(self, action: Action) -> Who:
        """Return whom an action is for: nobody when there is no rule."""
        rule = self._rules.get(action)
        return rule.who if rule else Who(frozenset())

    def authorize(self, principal: Principal, action: Action, resource: Resource = UNSEEN) -> Decision:
        """Decide by the action's rule."""
        rule = self._rules.get(action)
        if rule is None:
            return Decision(_NO_RULE)
        if (denial := rule.who.denial(principal)) is not None or resource is UNSEEN:
            return Decision(denial)
        for requirement in rule.requirements:
            if (denial := requirement.denial(principal, resource)) is not None:
                return Decision(denial)
        return Decision()


def own_or_missing(message: str, hint: str | None = None) -> Requirement:
    """The resource is the user's own; of what is not, or is not there, the answer is the same 404."""
    missing = Denial("not_yours_or_missing", NotFound, message, hint)

    def denial(principal: Principal, resource: Resource) -> Denial | None:
        if isinstance(principal, HostUser) and resource.owner is not None:
            return None if (resource.host, resource.owner) == (principal.host, principal.ref) else missing
        return missing

    return Requirement("it is theirs (else 404)", denial)
