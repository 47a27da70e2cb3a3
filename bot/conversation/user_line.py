"""What a user may do in their own conversations; the one gate for HTTP and WebSocket alike."""

import secrets
from dataclasses import replace

from bot.conversation.confidential import Confidential
from bot.conversation.domain import Author, Conversation, Event, NewEvent, message
from bot.conversation.ports import Handoffs, OfferedElsewhere
from bot.conversation.runner import TurnRunner
from bot.conversation.service import Conversations, Posted
from bot.conversation.wire import FeedbackIn, HandoffOut, MessageIn, StartIn, clean_text
from bot.foundation.errors import Conflict, InvalidInput, NotFound, Unprocessable
from bot.foundation.http import Caller
from bot.foundation.ids import ConversationId, is_id

_OFFERS_LOOKED_AT = 200


class UserLine:
    """Starts conversations, posts messages, asks for a person; each checked against the caller."""

    def __init__(
        self,
        conversations: Conversations,
        runner: TurnRunner,
        handoffs: Handoffs,
        confidential: Confidential,
        offered_elsewhere: OfferedElsewhere | None = None,
    ) -> None:
        self._confidential = confidential
        self._conversations = conversations
        self._runner = runner
        self._handoffs = handoffs
        self._offered_elsewhere = offered_elsewhere

    async def start(self, caller: Caller, wanted: StartIn, *, channel: str = "web") -> Conversation:
        """Begin a conversation for the caller."""
        assert caller.host is not None
        assert caller.ref is not None
        page = await self._confidential.page(wanted.page.model_dump(), [caller.name])
        client = await self._confidential.free(dict(wanted.client), [caller.name])
        return await self._conversations.start(
            host=caller.host,
            ref=caller.ref,
            name=caller.name,
            email=caller.email,
            channel=channel,
            page=page,
            client=client,
        )

    async def own(self, caller: Caller, conversation_id: str) -> Conversation:
        """Return a conversation of the caller.

        Raises:
            NotFound: when there is none, or it is somebody else's: the answer does not tell which.
        """
        missing = NotFound(
            "You have no such conversation.", hint="List yours with GET /api/v1/conversations."
        )
        if not is_id(conversation_id, "cnv"):
            raise missing
        found = await self._conversations.background(ConversationId(conversation_id), None)
        if found is None or (found[1].host, found[1].ref) != (caller.host, caller.ref):
            raise missing
        return found[0]

    async def post(
        self, caller: Caller, conversation: Conversation, wanted: MessageIn, key: str | None
    ) -> Posted:
        """Commit a message and set the assistant to work on it when it owns the conversation.

        Raises:
            InvalidInput: for an empty text or an unusable key.
            Unprocessable: for a choice that was not offered in this conversation.
        """
        text = clean_text(wanted.text, wanted.choice)
        checked = self._confidential.keys.kept(check_key(key))
        if wanted.choice is not None:
            await self._check_offered(caller, conversation, wanted.choice)
        posted = await self._conversations.post_user_message(
            conversation.id, author_name=caller.name, text=text, choice=wanted.choice, key=checked
        )
        if posted.event.turn_id is not None:
            self._runner.schedule(conversation.id)
        return posted

    async def _check_offered(self, caller: Caller, conversation: Conversation, choice: str) -> None:
        after = max(0, conversation.last_seq - _OFFERS_LOOKED_AT)
        for event in await self._conversations.events(conversation.id, after, _OFFERS_LOOKED_AT):
            if event.author.kind == "bot" and any(
                button.get("payload") == choice for button in event.payload.get("buttons", ())
            ):
                return
        elsewhere = self._offered_elsewhere
        if elsewhere and await elsewhere(str(caller.host), str(caller.ref), choice):
            return
        raise Unprocessable(
            "That choice was not offered in this conversation.", hint="Send the words as `text` instead."
        )

    async def ask_for_person(
        self, caller: Caller, conversation: Conversation, text: str | None, key: str | None
    ) -> HandoffOut:
        """Open a case at the user's wish, without asking the assistant; again is the same case.

        Raises:
            InvalidInput: for an unusable key.
            Conflict: when `key` was used before with another text.
        """
        said = (text or "").strip()
        if said:
            # Before the context is collected, which is to hold it.
            await self._note(
                conversation, "handoff", NewEvent("message", _author(caller), message(said)), key
            )
        case = await self._handoffs.open_case(conversation.id)
        if case is None:
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
        position = await self._handoffs.position(conversation.id)
        return HandoffOut(case=case.id, position=position[0] if position else None)

    async def feedback(
        self, caller: Caller, conversation: Conversation, given: FeedbackIn, key: str | None
    ) -> Event:
        """Note whether a message helped.

        Raises:
            InvalidInput: for an unusable key.
            Unprocessable: when there is no such message, or it is the user's own.
            Conflict: when `key` was used before for another feedback.
        """
        about = await self._conversations.events(conversation.id, given.about_seq - 1, 1)
        if [event.seq for event in about] != [given.about_seq] or not _can_help(about[0]):
            raise Unprocessable(
                "There is no message to you with that number.", hint="Use the `seq` of an answer."
            )
        comment = await self._confidential.free(given.comment, [caller.name])
        payload = {"about_seq": given.about_seq, "helpful": given.helpful, "comment": comment}
        return await self._note(conversation, "feedback", NewEvent("feedback", _author(caller), payload), key)

    async def _note(self, conversation: Conversation, what: str, event: NewEvent, key: str | None) -> Event:
        # The blank, which no client's key has, keeps these keys apart from those of messages.
        client_key = None if key is None else f"{what} {self._confidential.keys.kept(check_key(key))}"
        noted = await self._conversations.append(conversation.id, replace(event, client_key=client_key))
        if noted.payload != event.payload:
            raise Conflict(
                "This idempotency key was used for something else.", hint="Use a new key for a new call."
            )
        return noted

    async def typing(self, caller: Caller, conversation: Conversation, active: bool) -> None:
        """Show others that the user types; what they type is not sent."""
        await self._conversations.typing(conversation.id, _author(caller), active)


def _author(caller: Caller) -> Author:
    return Author("user", caller.name)


def _can_help(event: Event) -> bool:
    return event.type in ("message", "notice") and event.author.kind != "user"


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
