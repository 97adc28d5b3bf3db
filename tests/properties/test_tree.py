"""A conversation's tree under any sequence of what people can do to it, on a real database."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from duihua.conversations import service as conversations
from duihua.core.errors import AppError
from duihua.db.session import Database, Session, open_database
from duihua.generation import repository as generations
from duihua.generation import starting
from duihua.generation.ending import Ending
from duihua.generation.starting import Begun
from duihua.messages import service as messages
from duihua.messages.access import MessageNotFound
from duihua.messages.service import MessageStreaming
from duihua.models import Conversation, Message
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas.conversation import ConversationCreate
from duihua.schemas.message import MessageCreate, MessageQuery, MessageRegenerate
from duihua.schemas.outgoing import preview
from duihua.vocabulary import MessageState
from tests.fixtures.callers import offline_caller

CALLER = offline_caller("this test")
# Reduced to one of the messages that there are; shrinks to the first.
WHICH = st.integers(0, 50)
TEXTS = st.sampled_from(["问", "another", "长" * 300])
# How a reply may end; one that failed at once says nothing.
ENDS = st.sampled_from(
    [(MessageState.COMPLETE, "答"), (MessageState.CANCELLED, "一半"), (MessageState.FAILED, "")]
)


class Conversing(RuleBasedStateMachine):
    """One conversation: each rule is one request, each invariant is what a reader may rely on."""

    def __init__(self, run: Callable[..., Any], database: Database) -> None:
        super().__init__()
        self._run, self._database = run, database
        new = ConversationCreate()
        self._chat_id: str = run(database.write(conversations.create, LOCAL_USER_ID, new))["uuid"]
        self._running: list[starting.Run] = []
        self._paged: Any = None
        self._conversation: Conversation
        self._rows: dict[int, Message] = {}
        self._look()

    def _look(self) -> None:
        earlier = self._rows
        self._conversation, self._rows, self._listed = self._run(self._database.read(_look, self._chat_id))
        for row_id, row in earlier.items():
            assert row_id in self._rows, "a message is gone"
            assert _place(self._rows[row_id]) == _place(row), "a message was moved"

    def _write(self, unit: Callable[..., Any], *args: Any, refused: type[AppError] | None = None) -> Any:
        """Do it, or see it refused as it must be."""
        if refused is not None:
            with pytest.raises(refused):
                self._run(self._database.write(unit, *args))
            return None
        done = self._run(self._database.write(unit, *args))
        if isinstance(done, Begun):
            assert done.run is not None
            self._running.append(done.run)
        return done

    def _named(self, which: int) -> Message:
        return list(self._rows.values())[which % len(self._rows)]

    def _refusal(self, message: Message, *, settled: bool) -> type[AppError] | None:
        if message.status != "active":
            return MessageNotFound
        return MessageStreaming if settled and message.state == "streaming" else None

    def _has_messages(self) -> bool:
        return bool(self._rows)

    @rule(content=TEXTS)
    def send(self, content: str) -> None:
        self._write(starting.send, CALLER, MessageCreate(chat_id=self._chat_id, content=content))
        self._look()

    @precondition(_has_messages)
    @rule(which=WHICH, content=TEXTS)
    def send_below(self, which: int, content: str) -> None:
        parent = self._named(which)
        new = MessageCreate(chat_id=self._chat_id, content=content, parent_id=parent.uuid)
        self._write(starting.send, CALLER, new, refused=self._refusal(parent, settled=False))
        self._look()

    @precondition(lambda self: self._running)
    @rule(which=WHICH, end=ENDS)
    def finish(self, which: int, end: tuple[MessageState, str]) -> None:
        run = self._running.pop(which % len(self._running))
        ending = Ending(run.generation_id, CALLER.owner, *end, reasoning="", seq=2, terminal=b"{}")
        self._write(generations.finish, ending)
        self._look()

    @precondition(_has_messages)
    @rule(which=WHICH)
    def regenerate(self, which: int) -> None:
        message = self._named(which)
        refused = self._refusal(message, settled=False)
        question = message if message.role == "user" else self._rows[cast(int, message.parent_id)]
        if refused is None and question.status != "active":
            refused = starting.NothingToAnswer
        wanted = MessageRegenerate(chat_id=self._chat_id, message_id=message.uuid)
        self._write(starting.regenerate, CALLER, wanted, refused=refused)
        self._look()

    @precondition(_has_messages)
    @rule(which=WHICH, content=TEXTS)
    def branch(self, which: int, content: str) -> None:
        message = self._named(which)
        refused = self._refusal(message, settled=True)
        if refused is None and message.role != "user":
            refused = starting.NothingToAnswer
        self._write(starting.branch, CALLER, message.uuid, content, refused=refused)
        self._look()

    @precondition(_has_messages)
    @rule(which=WHICH, content=TEXTS)
    def edit(self, which: int, content: str) -> None:
        message = self._named(which)
        refused = self._refusal(message, settled=True)
        self._write(messages.edit, LOCAL_USER_ID, message.uuid, content, "zh", refused=refused)
        self._look()
        assert refused or self._rows[message.id].content == content

    @precondition(_has_messages)
    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        message = self._named(which)
        refused = self._refusal(message, settled=True)
        self._write(messages.delete, LOCAL_USER_ID, message.uuid, refused=refused)
        self._look()
        assert refused is MessageStreaming or self._rows[message.id].status == "deleted"

    @precondition(_has_messages)
    @rule(which=WHICH)
    def restore(self, which: int) -> None:
        message = self._named(which)
        self._write(messages.restore, LOCAL_USER_ID, message.uuid, "zh")
        self._look()
        back = self._rows[message.id]
        assert back.status == "active"
        assert back.on_branch or message.status == "active"

    @precondition(_has_messages)
    @rule(which=WHICH)
    def activate(self, which: int) -> None:
        message = self._named(which)
        refused = self._refusal(message, settled=False)
        self._write(messages.activate, LOCAL_USER_ID, message.uuid, "zh", refused=refused)
        self._look()
        assert refused or self._rows[message.id].on_branch

    @precondition(_has_messages)
    @rule()
    def clear(self) -> None:
        self._write(conversations.clear, LOCAL_USER_ID, self._chat_id)
        self._look()
        assert self._listed == []

    @invariant()
    def the_branch_is_one_path_from_a_root_to_the_leaf(self) -> None:
        parent = None
        for message in self._branch():
            assert message.parent_id == parent
            parent = message.id
        assert self._conversation.active_leaf_id == parent

    @invariant()
    def depth_counts_from_the_root(self) -> None:
        for message in self._rows.values():
            above = self._rows[message.parent_id].depth if message.parent_id is not None else -1
            assert message.depth == above + 1

    @invariant()
    def the_list_is_what_the_branch_shows(self) -> None:
        shown = [message for message in self._branch() if message.status == "active"]
        assert [item["uuid"] for item in self._listed] == [message.uuid for message in shown]
        assert [item["content"] for item in self._listed] == [message.content for message in shown]
        above = [None, *(message.uuid for message in shown)]
        assert [item["parent_id"] for item in self._listed] == above[: len(shown)]

    @invariant()
    def the_conversation_says_what_the_list_shows(self) -> None:
        assert self._conversation.message_count == len(self._listed)
        said = [item["content"] for item in self._listed if item["content"]]
        assert self._conversation.last_message == (preview(said[-1]) if said else None)

    @invariant()
    def versions_are_the_visible_messages_of_one_place(self) -> None:
        by_uuid = {message.uuid: message for message in self._rows.values()}
        for item in self._listed:
            here = by_uuid[item["uuid"]]
            same = [
                message.uuid
                for message in self._rows.values()
                if (message.parent_id, message.role, message.status) == (here.parent_id, here.role, "active")
            ]
            index = same.index(here.uuid) + 1
            assert item["version"] == {"index": index, "count": len(same), "uuids": same}

    @invariant()
    def pages_partition_the_list(self) -> None:
        # What was refused, and what changed nothing, changes no page.
        rows = {row.id: (row.status, row.on_branch) for row in self._rows.values()}
        if self._paged == (self._listed, rows):
            return
        self._paged = self._listed, rows
        # At most about four pages, of a size that leaves a rest as often as not.
        size = max(1, len(self._listed) // 3)
        for pages in self._run(self._database.read(_pages, self._chat_id, size)):
            assert all(len(page) == size for page in pages[:-1])
            assert [uuid for page in pages for uuid in page] == [item["uuid"] for item in self._listed]

    def _branch(self) -> list[Message]:
        return sorted((row for row in self._rows.values() if row.on_branch), key=lambda row: row.depth)


def _place(message: Message) -> tuple[Any, ...]:
    return message.uuid, message.parent_id, message.depth, message.role


def _look(session: Session, chat_id: str) -> tuple[Conversation, dict[int, Message], list[dict[str, Any]]]:
    """The conversation, all rows of it that there are, and the list as it is shown."""
    conversation = session.scalars(select(Conversation).filter_by(uuid=chat_id)).one()
    rows = session.scalars(select(Message).filter_by(conversation_id=conversation.id).order_by(Message.id))
    found = {row.id: row for row in rows}
    query = MessageQuery(page_size=100)
    listed = messages.listing(session, LOCAL_USER_ID, chat_id, query, "zh")
    assert listed["total"] == len(listed["list"]) <= 100
    session.expunge_all()
    return conversation, found, listed["list"]


def _pages(session: Session, chat_id: str, size: int) -> tuple[list[list[str]], list[list[str]]]:
    """The uuids of each page: by their numbers, and by following the cursors."""

    def page(**place: Any) -> tuple[list[str], str | None]:
        query = MessageQuery(page_size=size, **place)
        data = messages.listing(session, LOCAL_USER_ID, chat_id, query, "zh")
        return [item["uuid"] for item in data["list"]], data["next_cursor"]

    first, cursor = page()
    numbered, followed = [first], [first]
    while cursor is not None:
        numbered.append(page(page_num=len(numbered) + 1)[0])
        uuids, cursor = page(cursor=cursor)
        followed.append(uuids)
    assert page(page_num=len(numbered) + 1) == ([], None)
    return numbered, followed


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    """A loop that outlives the steps: hypothesis calls them from outside of one."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path, run: Callable[..., Any]) -> Iterator[Database]:
    database = open_database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}", synchronous="normal")
    yield database
    run(database.close())


def test_a_reply_that_ends_above_what_says_nothing_is_the_last_that_is_said(
    run: Callable[..., Any], database: Database
) -> None:
    """Hypothesis needs some twenty runs to find this by itself."""
    here = Conversing(run, database)
    here.send("问")
    here.send_below(1, "another")
    here.delete(2)
    here.finish(0, (MessageState.COMPLETE, "答"))
    here.the_conversation_says_what_the_list_shows()


def test_whatever_people_do_the_tree_is_in_order(run: Callable[..., Any], database: Database) -> None:
    run_state_machine_as_test(
        lambda: Conversing(run, database),
        settings=settings(max_examples=20, stateful_step_count=25, deadline=None, database=None),
    )
