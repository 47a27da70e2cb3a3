"""What staff may do in a conversation over the live socket: the conversation room's port `StaffLine`."""

from bot.conversation.domain import Conversation, Event
from escalation.desk import CaseDesk
from escalation.permissions import CaseAction, followed_resource
from escalation.ports import Conversations
from foundation.authorization import Authorizer, StaffMember
from foundation.errors import Conflict
from foundation.http import Caller
from foundation.ids import ConversationId, StaffId, is_id


class AgentAccess:
    """Agents follow conversations that have a case, and write in those that are theirs."""

    def __init__(self, desk: CaseDesk, conversations: Conversations, authorizer: Authorizer) -> None:
        self._desk = desk
        self._conversations = conversations
        self._authorizer = authorizer

    async def follow(self, caller: Caller, conversation_id: str) -> Conversation:
        """Return a conversation that this agent may read.

        Raises:
            Forbidden: when the caller is no agent.
            NotFound: when there is no such conversation, or it never had a case.
        """
        agent = agent_of(caller)
        self._authorizer.authorize(agent, CaseAction.FOLLOW).enforce()
        known = ConversationId(conversation_id)
        had_case = is_id(conversation_id, "cnv") and await self._desk.had_case(known)
        followed = followed_resource(conversation_id, had_case=had_case)
        self._authorizer.authorize(agent, CaseAction.FOLLOW, followed).enforce()
        return await self._conversations.get(known)

    async def post(self, caller: Caller, conversation_id: ConversationId, text: str, key: str) -> Event:
        """Append an agent's message. Raises as `CaseDesk.send`."""
        return (await self._desk.send(await self._case(conversation_id), agent_of(caller), text, key)).event

    async def typing(self, caller: Caller, conversation_id: ConversationId, active: bool) -> None:
        """Show the user that the agent types. Raises as `CaseDesk.typing`."""
        await self._desk.typing(await self._case(conversation_id), agent_of(caller), active)

    async def _case(self, conversation_id: ConversationId) -> str:
        case = await self._desk.open_case(conversation_id)
        if case is None:
            raise Conflict(
                "This conversation has no open case.", hint="The bot owns it.", code="no_open_case"
            )
        return case.id


def agent_of(caller: Caller) -> StaffMember:
    """The member of staff who calls, as one who acts on cases."""
    return StaffMember(StaffId(caller.id), caller.name, caller.roles)
