"""`duihua serve --workers`: one port, several processes, of which any may die."""

import asyncio
import os
import signal
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.driver import STARTED, Server, client_of, gone, runs, servers
from tests.faults.listener import get, whole
from tests.fixtures.database import postgres, postgres_url

STOP_SECONDS = 10.0


@pytest.fixture
def empty_postgres_url() -> Iterator[str]:
    """A database in which nothing has been made."""
    name = f"duihua_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(postgres(f"CREATE DATABASE {name}"))
    yield postgres_url(name)
    asyncio.run(postgres(f"DROP DATABASE {name} WITH (FORCE)"))


async def test_a_worker_that_dies_is_replaced(tmp_path: Path, postgres_database_url: str) -> None:
    async with servers(tmp_path, postgres_database_url, DUIHUA_WORKERS="2") as started:
        server = await started.start()
        assert len(set(server.workers)) == 2
        await server.said("no REDIS_URL")
        os.kill(server.workers[0], 9)
        died = await server.said("a worker died")
        assert (died["pid"], died["worker"], died["status"]) == (server.workers[0], 1, -9)
        for _ in range(20):
            await whole(server.port, get("/ready"))
        serves = await server.said("a worker serves in its place")
        server.terminate()
        assert await server.ended(STOP_SECONDS) == 0
        await gone([server.workers[1], serves["pid"]])


async def test_workers_do_not_outlive_their_parent(tmp_path: Path, postgres_database_url: str) -> None:
    async with servers(tmp_path, postgres_database_url, DUIHUA_WORKERS="2") as started:
        server = await started.start()
        os.kill(server.pid, 9)
        await gone(server.workers)


async def test_renewed_workers_refuse_nobody(tmp_path: Path, postgres_database_url: str) -> None:
    """Requests all the while, each on a connection of its own, and one that is kept."""
    async with servers(tmp_path, postgres_database_url, DUIHUA_WORKERS="2") as started:
        server = await started.start()
        renewed = asyncio.create_task(_renewed(server))
        async with client_of(server) as client:
            while not renewed.done():
                await whole(server.port, get("/ready"))
                answer = await client.post("/chat/groups", {"name": uuid.uuid4().hex})
                assert answer.status == 200
        new = await renewed
        await gone(server.workers)
        assert all(map(runs, new))


async def _renewed(server: Server) -> list[int]:
    server.renew()
    return [(await server.said("a worker was renewed"))["pid"] for _ in server.workers]


async def test_what_cannot_be_shared_is_refused(tmp_path: Path, postgres_database_url: str) -> None:
    async with servers(tmp_path, None, DUIHUA_WORKERS="2") as started:
        server = await started.execute()
        assert await server.ended() == 1
        assert "needs PostgreSQL" in server.log
        assert "Traceback" not in server.log
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with servers(tmp_path, postgres_database_url, DUIHUA_WORKERS="2", DUIHUA_PORT=port) as started:
            server = await started.execute()
            assert await server.ended() == 1
            assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in server.log


async def test_workers_that_cannot_start_end_the_server(tmp_path: Path, postgres_database_url: str) -> None:
    async with servers(
        tmp_path, postgres_database_url, DUIHUA_WORKERS="2", DUIHUA_DATA_DIR="/dev/null"
    ) as started:
        server = await started.execute()
        assert await server.ended() == 1
        assert "a worker did not start; stopping" in server.log


async def test_four_servers_begin_with_one_empty_database(tmp_path: Path, empty_postgres_url: str) -> None:
    async with servers(tmp_path, empty_postgres_url) as started:
        four = [await started.execute() for _ in range(4)]
        lines = [await server.said(STARTED) for server in four]
        for server, line in zip(four, lines, strict=True):
            server.port = int(line["url"].rpartition(":")[2])
            async with client_of(server) as client:
                await client.say((await client.conversation())["uuid"])
        assert sum("database migrated" in server.log for server in four) >= 1


async def test_whichever_is_asked_tells_the_numbers_of_all(
    tmp_path: Path, postgres_database_url: str
) -> None:
    async with servers(tmp_path, postgres_database_url, DUIHUA_WORKERS="3") as started:
        server = await started.start()
        for _ in range(12):
            await whole(server.port, get("/ready"))
        for _ in range(6):
            assert sum((await _counted(server, "duihua_http_requests_total", route="/ready")).values()) == 12
        assert await _counted(server, "duihua_worker_up") == {"1": 1, "2": 1, "3": 1}
        os.kill(server.workers[1], signal.SIGSTOP)
        assert await _counted(server, "duihua_worker_up") == {"1": 1, "2": 0, "3": 1}
        os.kill(server.workers[1], signal.SIGCONT)
        os.kill(server.workers[2], signal.SIGKILL)
        await server.said("a worker serves in its place")
        assert await _counted(server, "duihua_worker_up") == {"1": 1, "2": 1, "3": 1}
        starts = await _counted(server, "process_start_time_seconds")
        assert max(starts, key=lambda number: starts[number]) == "3"


async def _counted(server: Server, name: str, **labels: str) -> dict[str, float]:
    """A number of each worker, as Prometheus reads it."""
    page = (await whole(server.port, get("/metrics"))).body.decode()
    return {
        sample.labels["worker"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }
