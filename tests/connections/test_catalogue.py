"""Who answers for a user: the connection they chose, one that lists the model, the default one."""

from pathlib import Path
from typing import Any

import pytest

from duihua.connections import repository
from duihua.connections.asking import NoModelConnected, ask
from duihua.connections.catalogue import Catalogue
from duihua.connections.keys import Keys, KeyUnreadable
from duihua.core.clock import now
from duihua.core.config import Config
from duihua.db.session import Database, Session
from duihua.models import Connection, UserSettings
from duihua.models.user import LOCAL_USER_ID
from duihua.providers.base import ModelInfo, PromptMessage
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderInvalidAddress, ProviderTimeout, ProviderUnauthorized
from duihua.providers.openai import OpenAIProvider
from duihua.providers.registry import Registry, connect
from tests.fixtures.rows import MOMENT, add_stranger
from tests.fixtures.upstream import Act, Upstream, answer, head, reply

KEY = "sk-canary-0123456789abcd"
QUESTION = [PromptMessage("user", "你好")]


def catalogue(tmp_path: Path, registry: Registry | None = None) -> Catalogue:
    return Catalogue(registry or connect(servers=()), Keys(Config(_env_file=None, data_dir=tmp_path)))


def add(session: Session, *models: str, user_id: int = LOCAL_USER_ID, **fields: Any) -> int:
    """A stored connection that has listed `models`."""
    usual = {"model_url": "http://127.0.0.1:9/v1", "provider": "custom", "status": "active"}
    row = Connection(user_id=user_id, created_at=MOMENT, updated_at=MOMENT, **(usual | fields))
    session.add(row)
    session.flush()
    repository.keep_list(session, row, [ModelInfo(name, name) for name in models], now())
    return row.id


def change(session: Session, connection_id: int, **fields: Any) -> None:
    row = session.get_one(Connection, connection_id)
    for name, value in fields.items():
        setattr(row, name, value)


def decide(session: Session, model_id: str) -> None:
    session.add(UserSettings(user_id=LOCAL_USER_ID, default_model_id=model_id, updated_at=MOMENT))


async def found(db: Database, of: Catalogue, *wanted: Any, user: int = LOCAL_USER_ID) -> tuple[Any, str]:
    answering = await db.read(of.resolve, user, *wanted)
    return answering.connection_id or answering.provider.name, answering.model


async def test_the_users_connections_come_before_the_operators(database: Database, tmp_path: Path) -> None:
    registry = connect(servers=())
    registry.add(
        OpenAIProvider(Endpoint("operator", "http://127.0.0.1:9/v1"), registry.transport),
        [ModelInfo("shared", "shared"), ModelInfo("theirs", "theirs")],
    )
    of = catalogue(tmp_path, registry)
    assert await found(database, of) == ("operator", "shared")
    first = await database.write(add, "whisper-1", "a", "shared")
    second = await database.write(add, "b", "shared", model_name="named")
    expected = {
        (): (first, "a"),
        ("shared",): (first, "shared"),
        ("b",): (second, "b"),
        ("named",): (second, "named"),
        (f"{second}/shared",): (second, "shared"),
        ("theirs",): ("operator", "theirs"),
        ("operator/shared",): ("operator", "shared"),
        ("unlisted",): (first, "unlisted"),
        ("vendor/unlisted",): (first, "vendor/unlisted"),
        ("999/a",): (first, "999/a"),
        ("offline",): ("offline", "offline"),
        (None, second): (second, "named"),
        ("a", second): (second, "a"),
        (f"{first}/a", second): (first, "a"),
        (None, 999): (first, "a"),
    }
    assert {wanted: await found(database, of, *wanted) for wanted in expected} == expected
    await database.write(decide, "b")
    assert await found(database, of) == (second, "b")
    await database.write(change, second, status="inactive")
    assert await found(database, of, "b") == (first, "b")
    assert await found(database, of, "b", second) == (first, "b")


async def test_nobody_elses_connection_answers(database: Database, tmp_path: Path) -> None:
    stranger = await database.write(add_stranger)
    theirs = await database.write(add, "a", user_id=stranger.user)
    of = catalogue(tmp_path)
    for wanted in [(), ("a",), (f"{theirs}/a",), (None, theirs)]:
        assert await found(database, of, *wanted) == ("offline", "offline")
    assert await found(database, of, "a", user=stranger.user) == (theirs, "a")


async def test_a_change_takes_effect_with_the_next_question(database: Database, tmp_path: Path) -> None:
    of = catalogue(tmp_path)
    async with Upstream(reply("一"), reply("二")) as one, Upstream(reply("三")) as other:
        number = await database.write(add, "m", model_url=one.url, api_key=of.keys.seal(KEY), timeout=5)
        first = await ask(database, of, LOCAL_USER_ID, QUESTION)
        assert (first.text, first.model, first.connection_id) == ("一", "m", number)
        assert 0 < first.first_token_seconds <= first.seconds < 5
        await database.write(change, number, api_key=of.keys.seal("sk-another-0123456789"))
        assert (await ask(database, of, LOCAL_USER_ID, QUESTION)).text == "二"
        await database.write(change, number, model_url=other.url)
        assert (await ask(database, of, LOCAL_USER_ID, QUESTION)).text == "三"
        await of.registry.close()
    keys = [call.headers["authorization"] for call in [*one.calls, *other.calls]]
    assert keys == [f"Bearer {KEY}", *["Bearer sk-another-0123456789"] * 2]


async def test_the_settings_of_a_connection_lie_beneath_those_of_the_question(
    database: Database, tmp_path: Path
) -> None:
    of = catalogue(tmp_path)
    async with Upstream(reply("好")) as upstream:
        config = {"temperature": 0.5, "top_p": 1}
        await database.write(add, "m", model_url=upstream.url, max_tokens=7, config=config)
        await ask(database, of, LOCAL_USER_ID, QUESTION, settings={"temperature": 1})
        await of.registry.close()
    body = upstream.calls[0].json()
    assert (body["max_tokens"], body["temperature"], body["top_p"]) == (7, 1, 1)


async def test_what_goes_wrong_is_named(database: Database, tmp_path: Path) -> None:
    of = catalogue(tmp_path)
    with pytest.raises(NoModelConnected):
        await ask(database, of, LOCAL_USER_ID, QUESTION, offline=False)
    refusal = answer(401, {"error": {"message": f"wrong key {KEY}"}})
    async with Upstream(refusal, [head(), Act.HOLD]) as upstream:
        number = await database.write(add, "m", model_url=upstream.url, api_key=of.keys.seal(KEY))
        with pytest.raises(ProviderUnauthorized) as refused:
            await ask(database, of, LOCAL_USER_ID, QUESTION, offline=False)
        assert KEY not in repr(refused.value)
        with pytest.raises(ProviderTimeout):
            await ask(database, of, LOCAL_USER_ID, QUESTION, seconds=0.1)
        await of.registry.close()
    foreign = Keys(Config(_env_file=None, data_dir=tmp_path / "elsewhere"))
    await database.write(change, number, api_key=foreign.seal(KEY))
    with pytest.raises(KeyUnreadable):
        await ask(database, of, LOCAL_USER_ID, QUESTION)
    await database.write(change, number, api_key=None, model_url="not a url")
    with pytest.raises(ProviderInvalidAddress):
        await ask(database, of, LOCAL_USER_ID, QUESTION)


async def test_the_offline_model_answers_at_once(database: Database, tmp_path: Path) -> None:
    asked = await ask(database, catalogue(tmp_path), LOCAL_USER_ID, QUESTION)
    assert (asked.provider, asked.model, asked.connection_id) == ("offline", "offline", None)
    assert "离线模型" in asked.text
    assert asked.seconds < 2
