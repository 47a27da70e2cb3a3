"""What users may do in conversations, and with which."""

from bot.conversation.domain import Contact, Conversation
from foundation.authorization import AccessRule, Action, Resource, Rules, anybody, own_or_missing, users


class ConversationAction(Action):
    """The actions of this room."""

    START = "conversation.start"
    LIST = "conversation.list"
    READ = "conversation.read"
    FOLLOW = "conversation.follow"
    POST = "conversation.post"
    TYPE = "conversation.type"
    RATE = "conversation.rate"
    ASK_FOR_PERSON = "conversation.ask_for_person"
    CONNECT = "socket.connect"


_own = own_or_missing("You have no such conversation.", "List yours with GET /api/v1/conversations.")
_OWN = AccessRule(users(), (_own,))
RULES: Rules = {
    ConversationAction.START: AccessRule(users()),
    ConversationAction.LIST: AccessRule(users()),
    ConversationAction.READ: _OWN,
    ConversationAction.FOLLOW: _OWN,
    ConversationAction.POST: _OWN,
    ConversationAction.TYPE: _OWN,
    ConversationAction.RATE: _OWN,
    ConversationAction.ASK_FOR_PERSON: _OWN,
    # The first frame says who calls; what it asks to follow is checked then.
    ConversationAction.CONNECT: AccessRule(anybody()),
}


def conversation_resource(found: tuple[Conversation, Contact] | None) -> Resource:
    """The conversation for authorization; None is one that is not there."""
    if found is None:
        return Resource("conversation")
    conversation, contact = found
    return Resource("conversation", conversation.id, host=contact.host, owner=contact.ref)
