"""Imports that are to stop, lose their database or meet a bug: what is told is what is there."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from duihua.core import isolated
from duihua.db import insisting
from duihua.db.errors import StorageFull, StorageUnavailable
from duihua.db.session import Session
from duihua.models import ImportTask
from duihua.models.user import LOCAL_USER_ID
from duihua.transfer import formats, importing, task_repository, tasks
from duihua.transfer.formats import apart
from duihua.transfer.importing import Importer, ImportInterrupted
from duihua.transfer.storing import Choice
from duihua.transfer.tasks import ImportTasks
from duihua.transfer.threads import Stop
from tests.fixtures.client import Client
from tests.fixtures.rows import MOMENT
from tests.transfer.test_import import archive, encoded, load, message
from tests.transfer.test_tasks import begin, follow
from tests.transfer.test_tasks import gate as gate

Started = list["subprocess.Popen[bytes]"]
LARGE = encoded(*[archive(message("a") | {"content": "x" * 100_000}) for _ in range(20)])
# Longer than any test waits.
_SILENT = [sys.executable, "-c", "import time; time.sleep(20)"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """The processes that were started."""
    processes: Started = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return processes


@pytest.fixture
def silent(started: Started, monkeypatch: pytest.MonkeyPatch) -> Started:
    """Those that read large files, and say nothing."""
    monkeypatch.setattr(isolated, "command", lambda *_: (_SILENT, {}))
    return started


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what ends the wait is no event
            await asyncio.sleep(0.02)


async def stored(client: Client) -> int:
    return int((await client.get("/chat/conversations/list")).data["total"])


async def wait_for_the_first(client: Client) -> None:
    async with asyncio.timeout(5):
        while not await stored(client):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)


def tasks_of(client: Client) -> ImportTasks:
    running: ImportTasks = client.app.state.imports
    return running


async def interrupt(client: Client) -> None:
    """What another process does when it finds the lease of an import expired."""
    await client.app.state.database.write(task_repository.interrupt_lost, alone=True)


async def test_one_that_a_request_waits_for_stops_with_the_server(
    client: Client, gate: asyncio.Event
) -> None:
    content = encoded(archive(), archive(), archive())
    asked = asyncio.create_task(load(client, content))
    await wait_for_the_first(client)
    tasks_of(client).stop()
    gate.set()
    answer = await asked
    assert (answer.status, answer.error) == (503, "import_interrupted")
    assert answer.headers["Retry-After"] == "5"
    assert await stored(client) == 1
    assert (await load(client, content)).error == "import_interrupted", "none begins any more"
    assert await stored(client) == 1


async def test_one_that_is_through_when_its_server_stops_is_complete(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = importing._store

    def stopping(*args: Any) -> None:
        tasks_of(client).stop()
        store(*args)

    monkeypatch.setattr(importing, "_store", stopping)
    answer = await load(client, encoded(archive(), archive()))
    assert (answer.status, answer.data["imported"]) == (200, 2)


async def test_one_whose_lease_ran_out_in_its_own_process_goes_on(
    client: Client, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the machine slept: whoever follows it looks before it has its beat."""
    monkeypatch.setattr(tasks, "_BEAT_SECONDS", 1000.0)
    task_id = await begin(client, encoded(archive(), archive()))
    await wait_for_the_first(client)
    await client.app.state.database.write(_run_out)
    await tasks_of(client).check(LOCAL_USER_ID, task_id)
    gate.set()
    [*_, ended] = await follow(client, task_id)
    assert (ended.data["type"], ended.data["report"]["imported"]) == ("complete", 2)


def _run_out(session: Session) -> None:
    session.execute(update(ImportTask).values(lease_expires_at=MOMENT))


async def test_a_silent_reader_keeps_no_server(client: Client, silent: Started) -> None:
    asked = asyncio.create_task(load(client, LARGE))
    await until(lambda: silent)
    async with asyncio.timeout(5):
        await tasks_of(client).close()
        assert (await asked).error == "import_interrupted"
    assert silent[0].poll() is not None


async def test_nor_does_one_that_a_server_has_yet_to_start(client: Client, silent: Started) -> None:
    tasks_of(client).stop()
    async with asyncio.timeout(5):
        assert (await load(client, LARGE)).error == "import_interrupted"
        [*_, ended] = await follow(client, await begin(client, LARGE))
    assert ended.data["type"] == "interrupted"
    assert not silent


async def test_a_silent_reader_is_cancelled(client: Client, silent: Started) -> None:
    task_id = await begin(client, LARGE)
    await until(lambda: silent)
    async with asyncio.timeout(5):
        await client.post(f"/chat/import/{task_id}/cancel")
        [*_, ended] = await follow(client, task_id)
    assert (ended.data["type"], ended.data["error"]) == ("cancelled", "import_cancelled")
    assert silent[0].poll() is not None


async def test_one_that_was_given_up_by_others_reads_no_further(client: Client, silent: Started) -> None:
    task_id = await begin(client, LARGE)
    await until(lambda: silent)
    await interrupt(client)
    await until(lambda: silent[0].poll() is not None)
    [*_, ended] = await follow(client, task_id)
    assert ended.data["type"] == "interrupted"


async def test_one_that_was_given_up_by_others_stores_nothing_more(
    client: Client, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It was asleep, and has not looked since.
    monkeypatch.setattr(tasks, "_BEAT_SECONDS", 1000.0)
    task_id = await begin(client, encoded(archive(), archive(), archive()))
    await wait_for_the_first(client)
    await interrupt(client)
    gate.set()
    await until(lambda: not tasks_of(client)._running)
    assert await stored(client) == 1
    [*_, ended] = await follow(client, task_id)
    assert ended.data["type"] == "interrupted"


async def test_the_end_waits_for_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    end, refusals = task_repository.end, [StorageUnavailable(), StorageUnavailable()]

    def sometimes(*args: Any) -> None:
        if refusals:
            raise refusals.pop()
        end(*args)

    monkeypatch.setattr(task_repository, "end", sometimes)
    monkeypatch.setattr(insisting, "RETRY_SECONDS", 0.02)
    [*_, ended] = await follow(client, await begin(client, encoded(archive(), archive())))
    assert (ended.data["type"], ended.data["report"]["imported"]) == ("complete", 2)


async def test_a_database_that_stays_away_keeps_no_server(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []

    def never(*args: Any) -> None:
        tried.append(args)
        raise StorageUnavailable

    monkeypatch.setattr(task_repository, "end", never)
    monkeypatch.setattr(tasks, "_CLOSE_SECONDS", 0.2)
    await begin(client, encoded(archive()))
    await until(lambda: tried)
    async with asyncio.timeout(2):
        await tasks_of(client).close()
    await until(lambda: not tasks_of(client)._running)


async def test_a_bug_is_told_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(importing.storing, "store_all", broken)
    async with asyncio.timeout(5):
        [*_, ended] = await follow(client, await begin(client, encoded(archive())))
    assert (ended.data["type"], ended.data["error"]) == ("error", "import_broken_off")
    assert "已完整导入的对话予以保留" in ended.data["message"]


@pytest.mark.parametrize(
    ("refusal", "status", "code", "ends_as"),
    [
        (ValueError("a bug"), 500, "import_broken_off", "error"),
        (StorageFull(retry_after=30), 507, "import_out_of_space", "error"),
        (StorageUnavailable(retry_after=2), 503, "import_interrupted", "interrupted"),
    ],
    ids=["bug", "full", "unavailable"],
)
async def test_what_ends_one_in_its_middle_says_what_stays(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Exception,
    status: int,
    code: str,
    ends_as: str,
) -> None:
    store, stored_here = importing.storing.store_all, [0]

    def no_more_than_one(*args: Any) -> Any:
        stored_here[0] += 1
        if stored_here[0] % 2 == 0:
            raise refusal
        return store(*args)

    monkeypatch.setattr(importing, "_MESSAGES_AT_ONCE", 1)
    monkeypatch.setattr(importing.storing, "store_all", no_more_than_one)
    answer = await load(client, encoded(archive(), archive()))
    assert (answer.status, answer.error) == (status, code)
    assert "已完整导入的对话予以保留" in answer.body["message"]
    assert await stored(client) == 1
    [*_, ended] = await follow(client, await begin(client, encoded(archive(), archive())))
    assert (ended.data["type"], ended.data["error"]) == (ends_as, code)
    assert await stored(client) == 2


async def test_what_ends_a_dry_run_says_that_nothing_was_changed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[Exception] = [StorageUnavailable(), ValueError("a bug")]

    def refused(*_: Any) -> None:
        raise refusals[0]

    monkeypatch.setattr(importing.storing, "foresee_all", refused)
    codes = []
    while refusals:
        codes.append((await load(client, encoded(archive()), "/chat/import?dryRun=true")).error)
        refusals.pop(0)
    assert codes == ["storage_unavailable", "internal_error"]


def test_what_is_not_stored_leaves_no_process(tmp_path: Path, started: Started) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("a bug")

    path = tmp_path / "file"
    path.write_bytes(LARGE)
    assert len(LARGE) > formats.SMALL_BYTES
    importer = Importer(broken, broken, broken, LOCAL_USER_ID, "en")
    with pytest.raises(ValueError, match="a bug") as kept:
        importing.run(path, importer, Choice(), Stop())
    assert [process.poll() is None for process in started] == [False], kept


def test_the_reader_has_nothing_to_say_beside_what_it_found(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded(archive()))
    command, environment = isolated.command(apart.__name__, str(path))
    told = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert told.stdout
    assert told.stderr == b""


def test_who_is_asked_before_it_waits_does_not_wait() -> None:
    ended: list[str] = []
    stop = Stop()
    with stop.ending(lambda: ended.append("early")):
        pass
    stop.ask(ImportInterrupted)
    assert not ended
    with stop.ending(lambda: ended.append("late")):
        assert ended == ["late"]
    with pytest.raises(ImportInterrupted):
        stop.check()
