"""Beginning a generation: the one transaction that stores a question and promises its reply."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from duihua.connections.catalogue import Answering
from duihua.conversations import access as conversation_access
from duihua.core.clock import now
from duihua.core.errors import Conflict
from duihua.core.i18n import Language
from duihua.core.ids import new_uuid
from duihua.core.text import estimate_tokens
from duihua.db.rows import insert_now, untracked
from duihua.db.session import Session
from duihua.files import showing
from duihua.files.showing import Showing
from duihua.generation import journal_repository, prompt, repository
from duihua.http.repository import RetryKey, once
from duihua.messages import access as message_access
from duihua.messages import tree
from duihua.messages.service import MessageStreaming
from duihua.models import Conversation, Generation, Message
from duihua.providers.base import Provider, ProviderRequest
from duihua.schemas import stream
from duihua.schemas.conversation import GenerationSettings
from duihua.schemas.message import MessageCreate, MessageRegenerate
from duihua.vocabulary import MessageState, MessageType, Role, RowStatus, TitleSource


class NothingToAnswer(Conflict):
    """The named message is an answer to nothing."""

    code = "nothing_to_answer"


class NothingToContinue(Conflict):
    """The named message is no reply, has no text, or is being written."""

    code = "nothing_to_continue"


class Beginning(NamedTuple):
    """What a reply goes on from, which is among its first events."""

    text: str = ""
    reasoning: str = ""
    reasoning_ms: int | None = None
    tokens: int = 0


class Asked(NamedTuple):
    """What a reply is wanted to: the question, with which settings of which model, going on from what."""

    question: Message
    overrides: GenerationSettings | None = None
    model_id: str | None = None
    begun: Message | None = None


class Caller(NamedTuple):
    """Who asks, in which language, under which retry key; how models are found, runs owned, files shown."""

    user_id: int
    language: Language
    retry: RetryKey | None
    resolve: Callable[[Session, int, str | None, int | None], Answering]
    owner: str
    showing: Showing | None = None
    sees: Callable[[Session, Answering], bool] = lambda _, __: True


class Begun(NamedTuple):
    """A generation that is stored. `run` is what to do, or None where an earlier request began it."""

    task_id: str
    run: "Run | None"


class Run(NamedTuple):
    """What the engine needs to know of one run."""

    generation_id: int
    task_id: str
    user_id: int
    conversation_id: int
    message_id: str
    language: Language
    provider: Provider
    request: ProviderRequest
    frames: tuple[bytes, ...]
    created_at: datetime
    # `created_at` by the monotonic clock of this process: durations are told by that.
    began: float
    begun: Beginning = Beginning()
    # Who answers, where the conversation has no title yet.
    untitled: Answering | None = None


def send(session: Session, caller: Caller, new: MessageCreate) -> Begun:
    """Store a person's message and begin its reply.

    Raises:
        ConversationNotFound, MessageNotFound (`parent_id`), FileNotFound, PromptTooLong,
        IdempotencyKeyReused.
    """

    def work(conversation: Conversation) -> Asked:
        parent = tree.leaf(session, conversation)
        if new.parent_id is not None:
            parent = message_access.owned_in(session, conversation, new.parent_id)
        question = _message(conversation, Role.USER, new.content)
        question.message_type = new.message_type
        question.message_metadata = new.message_metadata
        question.files = showing.attach(session, caller.user_id, new.files) or None
        tree.append(session, conversation, question, parent)
        return Asked(question, new.config, new.model_id)

    return _begin(session, caller, new.chat_id, work)


def regenerate(session: Session, caller: Caller, wanted: MessageRegenerate) -> Begun:
    """Begin another version of a reply beside the old ones; one that is continued begins with its text.

    Raises:
        ConversationNotFound, MessageNotFound, NothingToAnswer, NothingToContinue, PromptTooLong,
        IdempotencyKeyReused.
    """

    def work(conversation: Conversation) -> Asked:
        named = message_access.owned_in(session, conversation, wanted.message_id)
        question = named if named.role == Role.USER else repository.parent_of(session, named)
        if question is None or question.role != Role.USER or question.status == RowStatus.DELETED:
            raise NothingToAnswer
        if wanted.continue_reply and not _can_go_on(named):
            raise NothingToContinue
        begun = named if wanted.continue_reply else None
        return Asked(question, wanted.config, wanted.model_id, begun)

    return _begin(session, caller, wanted.chat_id, work)


def branch(session: Session, caller: Caller, message_id: str, content: str) -> Begun:
    """Store another version of a person's message and begin its reply.

    Raises:
        MessageNotFound, MessageStreaming, NothingToAnswer (it is not a person's), PromptTooLong,
        IdempotencyKeyReused.
    """
    original, conversation = message_access.owned(session, caller.user_id, message_id)

    def work(conversation: Conversation) -> Asked:
        if original.state == MessageState.STREAMING:
            raise MessageStreaming
        if original.role != Role.USER:
            raise NothingToAnswer
        question = _message(conversation, Role.USER, content)
        question.message_type = original.message_type
        question.message_metadata = original.message_metadata
        question.files = original.files
        tree.append(session, conversation, question, repository.parent_of(session, original))
        return Asked(question)

    return _begin(session, caller, conversation.uuid, work)


def _can_go_on(message: Message) -> bool:
    is_reply = message.role == Role.ASSISTANT and message.state != MessageState.STREAMING
    return is_reply and message.status != RowStatus.DELETED and bool(message.content)


def _begin(session: Session, caller: Caller, chat_id: str, ask: Callable[[Conversation], Asked]) -> Begun:
    run: Run | None = None

    def work() -> str:
        nonlocal run
        conversation = conversation_access.owned_to_append(session, caller.user_id, chat_id)
        run = _promise_reply(session, caller, conversation, ask(conversation))
        tree.store(session, conversation)
        return run.task_id

    task_id, _ = once(session, caller.user_id, caller.retry, work, str)
    return Begun(task_id, run)


def _promise_reply(session: Session, caller: Caller, conversation: Conversation, asked: Asked) -> Run:
    question, begun = asked.question, asked.begun
    # Who has begun goes on, where nobody else is named.
    wanted = asked.model_id or (begun.model_id if begun else None) or conversation.model_id
    answering = caller.resolve(session, caller.user_id, wanted, conversation.api_key_id)
    reply, task_id = _message(conversation, Role.ASSISTANT, ""), new_uuid()
    reply.state, reply.model_id = MessageState.STREAMING, wanted or answering.model
    tree.append(session, conversation, reply, question, task_id=task_id)
    generation = _generation(task_id, caller, conversation, question, reply, answering)
    insert_now(session, generation)
    beginning = _beginning(begun) if begun else Beginning()
    payloads = [
        stream.user_message(question.uuid, question.content),
        stream.assistant_start(reply.uuid, generation.uuid, reply.model_id),
        *stream.pieces(reply.uuid, beginning.text, beginning.reasoning),
    ]
    numbered = list(enumerate(payloads, start=1))
    journal_repository.append_events(session, [(generation.id, *event) for event in numbered])
    return Run(
        generation_id=generation.id,
        task_id=generation.uuid,
        user_id=caller.user_id,
        conversation_id=conversation.id,
        message_id=reply.uuid,
        language=caller.language,
        provider=answering.provider,
        request=_request(session, caller, conversation, asked, answering),
        frames=tuple(stream.frame(*event) for event in numbered),
        begun=beginning,
        untitled=answering if conversation.title_source == TitleSource.DEFAULT else None,
        created_at=reply.created_at,
        began=time.monotonic(),
    )


def _beginning(begun: Message) -> Beginning:
    return Beginning(begun.content, begun.reasoning or "", begun.reasoning_ms, begun.token_count)


def _request(
    session: Session, caller: Caller, conversation: Conversation, asked: Asked, answering: Answering
) -> ProviderRequest:
    settings: dict[str, Any] = {**answering.settings, **(conversation.config or {})}
    settings |= asked.overrides.to_storage() if asked.overrides else {}
    showing = caller.showing and caller.showing._replace(sees=partial(caller.sees, session, answering))
    shown = prompt.build(session, conversation, asked.question, settings, showing)
    if asked.begun is None:
        return ProviderRequest(answering.model, shown, settings)
    begun = asked.begun.content
    return ProviderRequest(
        answering.model, prompt.to_continue(shown, begun, caller.language), settings, begun=begun
    )


def _message(conversation: Conversation, role: Role, content: str) -> Message:
    moment = now()
    return untracked(
        Message,
        uuid=new_uuid(),
        user_id=conversation.user_id,
        conversation_id=conversation.id,
        role=role,
        content=content,
        message_type=MessageType.TEXT,
        token_count=estimate_tokens(content),
        character_count=len(content),
        state=MessageState.COMPLETE,
        status=RowStatus.ACTIVE,
        created_at=moment,
        updated_at=moment,
    )


def _generation(
    task_id: str,
    caller: Caller,
    conversation: Conversation,
    question: Message,
    reply: Message,
    answering: Answering,
) -> Generation:
    return untracked(
        Generation,
        uuid=task_id,
        user_id=caller.user_id,
        conversation_id=conversation.id,
        user_message_id=question.id,
        message_id=reply.id,
        model_id=reply.model_id,
        provider=answering.provider.name,
        connection_id=answering.connection_id,
        language=caller.language,
        state=MessageState.STREAMING,
        owner=caller.owner,
        created_at=reply.created_at,
    )
