"""Asking for a person, which works however busy everything else is.

Each step takes a connection for itself and gives it back: none is held while something else is waited for.
"""

import secrets
from dataclasses import replace

from bot.conversation.confidential import ClientKeys
from bot.conversation.domain import Author, Conversation, Event, NewEvent
from bot.conversation.events import message
from bot.conversation.limits import UserLimits
from bot.conversation.permissions import ConversationAction, conversation_resource
from bot.conversation.ports import CaseView, Handoffs
from bot.conversation.schemas import HandoffOut
from bot.conversation.service import Conversations
from foundation.authorization import Authorizer, principal_of
from foundation.errors import Conflict, InvalidInput, RateLimited
from foundation.http import Caller
from foundation.ids import ConversationId, is_id


class OwnConversations:
    """Finds users' conversations; whether one is the caller's own is the authorizer's to say."""

    def __init__(self, conversations: Conversations, authorizer: Authorizer) -> None:
        self._conversations = conversations
        self._authorizer = authorizer

    async def __call__(
        self, caller: Caller, action: ConversationAction, conversation_id: str
    ) -> Conversation:
        """Return a conversation of the caller with which they may do `action`.

        Raises:
            NotFound: when there is none, or it is somebody else's: the answer does not tell which.
        """
        found = None
        if is_id(conversation_id, "cnv"):
            found = await self._conversations.background(ConversationId(conversation_id), None)
        resource = conversation_resource(found[:2] if found else None)
        self._authorizer.authorize(principal_of(caller), action, resource).enforce()
        assert found is not None, "what is not there is nobody's own"
        return found[0]


class PersonLine:
    """Opens cases at the wish of users."""

    def __init__(
        self,
        conversations: Conversations,
        own: OwnConversations,
        handoffs: Handoffs,
        limits: UserLimits,
        keys: ClientKeys,
    ) -> None:
        self._own = own
        self._keys = keys
        self._conversations = conversations
        self._handoffs = handoffs
        self._limits = limits

    async def ask(
        self, caller: Caller, conversation_id: str, text: str | None, key: str | None
    ) -> HandoffOut:
        """Open a case, without asking the assistant; again is the same case.

        Who has too many open cases joins the newest of them: a person has the request, and says so there.

        Raises:
            NotFound: when the caller has no such conversation.
            InvalidInput: for an unusable key.
            Conflict: when `key` was used before with another text.
            RateLimited: when the caller has an open case elsewhere and asks again and again.
        """
        refusal = await self._limits.person(caller)
        async with self._limits.person_lane(caller):
            conversation = await self._own(caller, ConversationAction.ASK_FOR_PERSON, conversation_id)
            case = await self._handoffs.open_case(conversation.id)
            said = (text or "").strip()
            if refusal is not None:
                await self._check_refusal(refusal, caller, case, said)
            if said:
                # Before the context is collected, which is to hold it.
                words = NewEvent(Author("user", caller.name), message(said))
                await note(self._conversations, conversation, "handoff", words, key, self._keys)
            if case is None or not case.asked:
                case = await self._open(conversation)
            position = await self._handoffs.position(case.conversation_id)
        return HandoffOut(
            case=case.id,
            position=position[0] if position else None,
            conversation=case.conversation_id,
            joined=case.conversation_id != conversation.id,
        )

    async def _check_refusal(
        self, refusal: RateLimited, caller: Caller, case: CaseView | None, said: str
    ) -> None:
        """A limit holds for who has a case already, and not for asking again where nothing would change."""
        if case is not None:
            if said:
                raise refusal
        elif await self._handoffs.has_open_case(str(caller.host), str(caller.ref)):
            raise refusal

    async def _open(self, conversation: Conversation) -> CaseView:
        prepared = await self._handoffs.prepare(
            conversation.id,
            reason="user_asked",
            priority="normal",
            summary="The user asked for a person.",
        )
        async with self._conversations.transaction() as tx:
            await self._conversations.lock(conversation.id, tx)
            case = await self._handoffs.open(prepared, tx)
        await self._conversations.announce(conversation.id)
        await self._handoffs.after_open(case)
        return case


async def note(
    conversations: Conversations,
    conversation: Conversation,
    what: str,
    event: NewEvent,
    key: str | None,
    keys: ClientKeys,
) -> Event:
    """Append what the user said besides messages, once for a key.

    Raises:
        InvalidInput: for an unusable key.
        Conflict: when the key was used for something else.
    """
    # The blank, which no client's key has, keeps these keys apart from those of messages.
    client_key = None if key is None else f"{what} {keys.kept(check_key(key))}"
    noted = await conversations.append(conversation.id, replace(event, client_key=client_key))
    if noted.payload != event.payload:
        raise Conflict(
            "This idempotency key was used for something else.", hint="Use a new key for a new call."
        )
    return noted


def check_key(key: str | None) -> str:
    """Return the idempotency key, or a new one when none was sent.

    Raises:
        InvalidInput: when it is not 1 to 128 visible ASCII characters.
    """
    if key is None:
        return f"auto-{secrets.token_hex(12)}"
    if not 1 <= len(key) <= 128 or any(not "!" <= character <= "~" for character in key):
        raise InvalidInput(
            "The idempotency key must be 1 to 128 visible ASCII characters.", hint="A UUID is a good key."
        )
    return key
