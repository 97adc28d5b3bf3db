"""PostgreSQL cut off, silent, killed, with no connection free: nothing is lost, nobody hangs."""

import asyncio
import time
from pathlib import Path

from duihua.db.postgres import TRUSTED_SECONDS
from duihua.models.generation import LEASE
from tests.faults.driver import servers
from tests.faults.proxy import Proxy, proxy
from tests.faults.scenarios import sever, stall, terminate_backends, tolerable, with_storage_accident
from tests.fixtures.postgres_server import PrivatePostgres, private_postgres
from tests.fixtures.server import config_for, running
from tests.generation.asking import asked, until


def through(between: Proxy, url: str) -> str:
    """The URL of the same database, through the proxy."""
    return f"postgresql://postgres@127.0.0.1:{between.port}/{url.rpartition('/')[2]}"


def port_of(url: str) -> int:
    return int(url.rpartition("/")[0].rpartition(":")[2])


async def test_replies_go_on(tmp_path: Path) -> None:
    async with private_postgres() as postgres, proxy(postgres.port) as between:

        async def accidents() -> None:
            await sever(between, times=3)
            await stall(between, seconds=1.5)
            await terminate_backends(postgres.url)
            await asyncio.sleep(0.5)
            await killed(postgres)

        async with servers(tmp_path, through(between, postgres.url), DUIHUA_WORKERS="2") as started:
            server = await started.start()
            outcome = await with_storage_accident(server, postgres.url, 8, accidents)
    assert outcome.differences == []
    assert outcome.ends == {"complete": 8}
    assert tolerable(list(outcome.refusals))


async def test_connections_that_are_gone_without_a_word(tmp_path: Path, postgres_database_url: str) -> None:
    """As after a firewall forgot them: no reply is taken for dead by another worker, and none waits long."""
    url = postgres_database_url
    async with proxy(port_of(url)) as between:
        config = config_for(through(between, url), tmp_path)
        async with running(config) as client, running(config_for(url, tmp_path)) as other:
            chat_id = (await client.conversation())["uuid"]
            slow = asked(chat_id, tokens=12_000, rate=20)
            async with client.open_stream("/chat/messages/stream", slow) as stream:
                await until(stream, "chunk")
                await asyncio.sleep(2 * TRUSTED_SECONDS)
                between.lose()
                # Longer than a lease.
                over = time.monotonic() + 1.2 * LEASE.total_seconds()
                async with asyncio.timeout(30):
                    assert (await client.get(f"/chat/conversations/{chat_id}")).status == 200
                    async for event in stream:
                        assert event.data["type"] == "chunk"
                        if time.monotonic() > over:
                            break
                *_, reply = await other.messages(chat_id)
                assert reply["state"] == "streaming"
                await other.post("/chat/terminate")
                assert [event async for event in stream][-1].data["type"] == "cancelled"


async def killed(postgres: PrivatePostgres) -> None:
    postgres.kill()
    await asyncio.sleep(0.5)
    await postgres.start()


async def test_no_connection_is_free(tmp_path: Path, postgres_database_url: str) -> None:
    """Who finds all of them busy is told to come again, and does not wait for ever."""
    url = postgres_database_url
    async with proxy(port_of(url)) as between:
        config = config_for(through(between, url), tmp_path, database_connections=2)
        async with running(config) as client:
            assert (await client.get("/ready")).status == 200
            between.stall()
            asked = [asyncio.create_task(client.get("/ready")) for _ in range(8)]
            done, waiting = await asyncio.wait(asked, timeout=8)
            between.flow()
            assert len(waiting) <= 2, "more than there are connections hang"
            for answer in [task.result() for task in done]:
                assert (answer.status, answer.error) == (503, "storage_unavailable")
                assert int(answer.headers["Retry-After"]) > 0
            for task in waiting:
                assert (await task).status == 200
            assert (await client.get("/ready")).status == 200
