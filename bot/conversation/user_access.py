"""What a user may do in their own conversations; the one gate for HTTP and WebSocket alike."""

from bot.conversation.confidential import Confidential
from bot.conversation.domain import Author, Conversation, Event, NewEvent
from bot.conversation.events import FeedbackPayload, MessagePayload, NoticePayload
from bot.conversation.limits import UserLimits
from bot.conversation.permissions import ConversationAction
from bot.conversation.person_request import OwnConversations, PersonLine, check_key, note
from bot.conversation.ports import Handoffs, OfferedElsewhere
from bot.conversation.schemas import FeedbackIn, HandoffOut, MessageIn, StartIn, clean_text
from bot.conversation.service import Conversations, Posted
from bot.conversation.turn_runner import TurnRunner
from foundation.authorization import Authorizer
from foundation.errors import Unprocessable
from foundation.http import Caller

_OFFERS_LOOKED_AT = 200


class UserAccess:
    """Starts conversations, posts messages, asks for a person; each checked against the caller."""

    def __init__(
        self,
        conversations: Conversations,
        runner: TurnRunner,
        handoffs: Handoffs,
        confidential: Confidential,
        authorizer: Authorizer,
        offered_elsewhere: OfferedElsewhere | None = None,
        *,
        limits: UserLimits | None = None,
    ) -> None:
        """Without `limits` the product's values hold, counted here alone."""
        self._confidential = confidential
        self.limits = limits or UserLimits()
        self._conversations = conversations
        self._runner = runner
        self._offered_elsewhere = offered_elsewhere
        self._own = OwnConversations(conversations, authorizer)
        self._persons = PersonLine(conversations, self._own, handoffs, self.limits, confidential.keys)

    async def start(self, caller: Caller, wanted: StartIn, *, channel: str = "web") -> Conversation:
        """Begin a conversation for the caller.

        Raises:
            RateLimited: when the caller has begun, or has open, too many.
        """
        assert caller.host is not None
        assert caller.ref is not None
        await self.limits.conversation(caller)
        page = await self._confidential.page(wanted.page.model_dump(), [caller.name])
        client = await self._confidential.free(dict(wanted.client), [caller.name])
        async with self.limits.lane(caller):
            return await self._conversations.start(
                host=caller.host,
                ref=caller.ref,
                name=caller.name,
                email=caller.email,
                channel=channel,
                page=page,
                client=client,
                open_at_once=self.limits.policy.conversations.open_at_once,
            )

    async def own(self, caller: Caller, action: ConversationAction, conversation_id: str) -> Conversation:
        """Return a conversation of the caller with which they may do `action`.

        Raises:
            NotFound: when there is none, or it is somebody else's: the answer does not tell which.
        """
        return await self._own(caller, action, conversation_id)

    async def post(
        self, caller: Caller, conversation: Conversation, wanted: MessageIn, key: str | None
    ) -> Posted:
        """Commit a message and set the assistant to work on it when it owns the conversation.

        Raises:
            InvalidInput: for an empty text or an unusable key.
            Unprocessable: for a choice that was not offered in this conversation.
            RateLimited: when the caller sends too much; what was accepted before is never refused.
        """
        text = clean_text(wanted.text, wanted.choice)
        checked = self._confidential.keys.kept(check_key(key))
        if key is None or not await self._conversations.has_key(conversation.id, checked):
            await self.limits.message(caller)
        if wanted.choice is not None:
            await self._check_offered(caller, conversation, wanted.choice)
        posted = await self._conversations.post_user_message(
            conversation.id, author_name=caller.name, text=text, choice=wanted.choice, key=checked
        )
        if posted.event.turn_id is not None:
            self._runner.schedule(conversation.id, conversation.contact_id)
        return posted

    async def _check_offered(self, caller: Caller, conversation: Conversation, choice: str) -> None:
        after = max(0, conversation.last_seq - _OFFERS_LOOKED_AT)
        for event in await self._conversations.events(conversation.id, after, _OFFERS_LOOKED_AT):
            said = event.payload
            if event.author.kind != "bot" or not isinstance(said, MessagePayload):
                continue
            if any(button.payload == choice for button in said.buttons):
                return
        elsewhere = self._offered_elsewhere
        if elsewhere and await elsewhere(str(caller.host), str(caller.ref), choice):
            return
        raise Unprocessable(
            "That choice was not offered in this conversation.", hint="Send the words as `text` instead."
        )

    async def ask_for_person(
        self, caller: Caller, conversation_id: str, text: str | None, key: str | None
    ) -> HandoffOut:
        """Open a case at the user's wish. Raises as `PersonLine.ask`."""
        return await self._persons.ask(caller, conversation_id, text, key)

    async def feedback(
        self, caller: Caller, conversation: Conversation, given: FeedbackIn, key: str | None
    ) -> Event:
        """Note whether a message helped.

        Raises:
            InvalidInput: for an unusable key.
            Unprocessable: when there is no such message, or it is the user's own.
            Conflict: when `key` was used before for another feedback.
            RateLimited: when the caller gives too much of it.
        """
        await self.limits.feedback(caller)
        about = await self._conversations.events(conversation.id, given.about_seq - 1, 1)
        if [event.seq for event in about] != [given.about_seq] or not _can_help(about[0]):
            raise Unprocessable(
                "There is no message to you with that number.", hint="Use the `seq` of an answer."
            )
        comment = await self._confidential.free(given.comment, [caller.name])
        payload = FeedbackPayload(about_seq=given.about_seq, helpful=given.helpful, comment=comment)
        event = NewEvent(Author("user", caller.name), payload)
        keys = self._confidential.keys
        return await note(self._conversations, conversation, "feedback", event, key, keys)

    async def typing(self, caller: Caller, conversation: Conversation, active: bool) -> None:
        """Show others that the user types; what they type is not sent."""
        await self._conversations.typing(conversation.id, Author("user", caller.name), active)


def _can_help(event: Event) -> bool:
    return isinstance(event.payload, MessagePayload | NoticePayload) and event.author.kind != "user"
