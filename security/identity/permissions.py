"""Who may do what with accounts and sessions."""

from foundation.authorization import AccessRule, Action, Rules, anybody, staff


class AccountAction(Action):
    """The actions of this room."""

    SIGN_IN = "session.begin"
    READ_SESSION = "session.read"
    SIGN_OUT = "session.end"
    CHANGE_PASSWORD = "session.change_password"  # noqa: S105 - the name of an action
    LIST = "account.list"
    CREATE = "account.create"
    CHANGE = "account.change"


RULES: Rules = {
    AccountAction.SIGN_IN: AccessRule(anybody()),
    AccountAction.READ_SESSION: AccessRule(staff()),
    AccountAction.SIGN_OUT: AccessRule(staff()),
    AccountAction.CHANGE_PASSWORD: AccessRule(staff()),
    AccountAction.LIST: AccessRule(staff("admin")),
    AccountAction.CREATE: AccessRule(staff("admin")),
    AccountAction.CHANGE: AccessRule(staff("admin")),
}
