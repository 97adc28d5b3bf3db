"""What no client should send: always an answer in the envelope, never a 5xx, and nothing is changed."""

import json
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from typing import Any

from duihua.models.user import LOCAL_USER_ID
from tests.api.routes import Field, Route, an_import, call, fields_in, json_routes, routes, upload
from tests.db.notes import on_sqlite
from tests.fixtures.client import Client, Reply
from tests.fixtures.rows import Owned, every_row

REFUSED = {404, 422}
CHINESE = "你好"


class Asker:
    """Asks, and remembers every answer that is not as expected."""

    def __init__(self, client: Client, own: Owned, other: str) -> None:
        self.client, self.own, self.other_chat = client, own, other
        self.asked, self.problems = 0, []

    async def ask(
        self, expected: Collection[int], method: str, path: str, body: Any = None, **options: Any
    ) -> Reply | None:
        """One request; the answer, where it is one of the API's."""
        self.asked += 1
        note = options.pop("note", "")
        about = f"{method} {path[:200]} {body!r:.200} {options.get('raw', b'')!r:.100} {note}: "
        try:
            answer = await self.client.request(method, path, body, **options)
        except (AssertionError, ValueError) as error:
            self.problems.append(about + repr(error)[:500])
            return None
        if answer.status not in expected:
            self.problems.append(about + str(answer.body)[:500])
        return answer

    async def ask_route(
        self, expected: Collection[int], route: Route, values: dict[tuple[str, str], Any], **options: Any
    ) -> Reply | None:
        """The least request on `route`, and these values."""
        return await self.ask(expected, *call(route, route.least(self.own) | values), **options)


@asynccontextmanager
async def asking(client: Client) -> AsyncIterator[Asker]:
    """At the end: every answer was as expected, and every table is as it was."""
    config = {"offline": {"text": "好的。", "rate": 0}}
    group = (await client.post("/chat/groups", {"name": "我的"})).data["id"]
    chat, other = [await client.conversation(group_id=group, config=config) for _ in range(2)]
    said = await client.say(chat["uuid"])
    message, reply = await client.messages(chat["uuid"])
    prompt = (await client.post("/chat/prompts", {"title": "我的", "content": "你好"})).data["id"]
    mine = {"model_url": "http://127.0.0.1:9/v1", "status": "inactive"}
    connection = (await client.post("/chat/api-keys", mine)).data["id"]
    file = (await client.post("/chat/upload", data=upload())).data["id"]
    own = Owned(
        *(LOCAL_USER_ID, group, chat["uuid"], chat["id"], message["uuid"], message["id"], reply["uuid"]),
        *(said["task_id"], connection, prompt, file, await an_import(client)),
    )
    db = client.app.state.database
    before = await db.read(every_row)
    asker = Asker(client, own, other["uuid"])
    yield asker
    assert asker.asked, "nothing was asked"
    assert not asker.problems, f"{len(asker.problems)} of {asker.asked}:\n" + "\n".join(asker.problems[:40])
    assert await db.read(every_row) == before


BAD_IDS = [
    *("0", "-1", "7e6", "1.5", "+7777777", " 7777777", "７７７７７７７", "9" * 18, str(2**63), "9" * 5000),
    *("x", "é", "null", "undefined", "%", "%00", "a b", "' OR '1'='1", "<script>", "{}", "[]", "../x"),
    *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "0" * 35, "0" * 65),
    *("{0199d0a4-0000-7000-8000-000000000000}", "urn:uuid:0199d0a4-0000-7000-8000-000000000000"),
    *("0199d0a4‐0000‐7000‐8000‐000000000000", "\ufeff1", "1\u200b", "1;2", "1,2", "\u202e1", "😀"),
]


async def test_identifiers_that_are_none(client: Client) -> None:
    async with asking(client) as asker:
        for route in routes():
            for field, _ in route.named_objects():
                # A batch says what is missing, and a filter finds nothing.
                lenient = field.name in {"ids", "chat_ids"} or route.path.endswith("/list")
                for bad in BAD_IDS + ([] if field.place == "body" else ["\0", "7\0"]):
                    value = [bad] if "array" in field.kinds else bad
                    # A slash is no part of a parameter: that is another path.
                    expected = {200, 404, 422} if lenient else REFUSED
                    await asker.ask_route(expected, route, {(field.place, field.name): value})


WRONG_JSON = [
    *(None, True, False, -1, 0, 2**63 - 1, -(2**63), 1.5, "", " ", "x", "x!", "null", "\u202e", "#ggg"),
    *([], [None], [[]], [{}], [True], ["x!"], {}, {"$ne": ""}, {"__proto__": {}}),
]


def wrong_values(field: Field) -> Iterator[Any]:
    """What the document says this field cannot be."""
    longest, most = field.limit("maxLength"), field.limit("maxItems")
    tried = [
        *WRONG_JSON,
        *(["x" * (longest + 1)] if longest else []),
        *([["1"] * (most + 1)] if most else []),
    ]
    return (value for value in tried if not field.accepts(value))


# Refused before a database is asked.
@on_sqlite
async def test_json_fields_of_the_wrong_type(client: Client) -> None:
    async with asking(client) as asker:
        for route in json_routes():
            for field in route.at("body"):
                key = ("body", field.name)
                for wrong in wrong_values(field):
                    await asker.ask_route({422}, route, {key: wrong})
                for inner in fields_in(field):
                    for wrong in wrong_values(inner):
                        await asker.ask_route({422}, route, {key: {inner.name: wrong}})
                if field.required:
                    values = {k: v for k, v in route.least(asker.own).items() if k != key}
                    await asker.ask({422}, *call(route, values), note="a required field is missing")


def wrong_parameters(field: Field) -> Iterator[str]:
    longest, least, most = [field.limit(name) for name in ("maxLength", "minimum", "maximum")]
    if longest:
        yield "x" * (longest + 1)
    if "string" not in field.kinds or not field.accepts("x!"):
        yield from ("x!", "[]", "{}", "NaN!", "9" * 5000)
    if least is not None:
        yield str(least - 1)
    if most is not None:
        yield str(most + 1)


@on_sqlite
async def test_query_parameters_of_the_wrong_type(client: Client) -> None:
    async with asking(client) as asker:
        for route in routes():
            for field in route.at("query"):
                for wrong in wrong_parameters(field):
                    answer = await asker.ask_route({422}, route, {("query", field.name): wrong})
                    if answer and field.name not in str(answer.body.get("detail")):
                        asker.problems.append(f"{route} {field.name}: {answer.body}")
        for query in (
            "pageNum=0",
            "pageSize=0",
            "pageSize=101",
            "page_num=-1",
            "pageNum=1.5",
            "pageNum=１0x",
        ):
            for path in ("/chat/conversations/list", f"/chat/conversations/{asker.own.chat}/messages"):
                await asker.ask({422}, "GET", f"{path}?{query}")


async def test_content_that_says_nothing(client: Client) -> None:
    async with asking(client) as asker:
        talking = [route for route in json_routes() if any(f.name == "content" for f in route.fields)]
        assert len(talking) == 7
        for route in talking:
            for blank in ("", " ", "\n\t", "\u200b", "\u3000", "\u00a0\u202e\u2028", "\x01", "\ufeff"):
                await asker.ask_route({422}, route, {("body", "content"): blank})


def bad_json(good: dict[str, Any]) -> dict[str, bytes]:
    """Bodies that are no clean JSON; each would do what `good` does if what is wrong were overlooked."""
    text = json.dumps(good)
    members = text[1:-1]
    deep = {
        f"{name} {depth} deep": f"{opening * depth}1{closing * depth}"
        for name, opening, closing in (("arrays", "[", "]"), ("objects", '{"a":', "}"))
        for depth in (101, 900, 1_000, 100_000)
    }
    odd = {
        name: name for name in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", str(2**63), "01", "0x1")
    }
    odd |= {
        name: name
        for name in ('"\\ud800"', '"\\udc00\\ud800"', '["\\ud83d"]', '"\\u0000"', "'a'", "undefined")
    }
    odd |= {"10^5000": "1" + "0" * 5000, "-2^63-1": str(-(2**63) - 1)} | deep
    bodies = {name: f'{{"extra": {value}, {members}}}'.encode() for name, value in odd.items()}
    bodies |= {
        f"key {key}": f"{{{key}: 1, {members}}}".encode() for key in ('"\\ud800"', '"\\u0000"', "1", "")
    }
    for raw in (b"\xed\xa0\x80", b"\xff", b"\xc0\xaf", b"\xf5", b"\xf0\x9f\x98", b"\0", b"\n"):
        bodies[f"bytes {raw!r}"] = b'{"extra": "' + raw + b'", ' + members.encode() + b"}"
    return bodies | {
        "duplicate keys": f'{{"extra": 1, "extra": 1, {members}}}'.encode(),
        "nested duplicate keys": f'{{"extra": {{"a": 1, "a": 2}}, {members}}}'.encode(),
        "BOM": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-32": text.encode("utf-32"),
        "truncated": text.encode()[:-1],
        "cut": text.encode()[: len(text) // 2],
        "two documents": f"{text}{text}".encode(),
        "trailing": f"{text},".encode(),
        "comment": f"{text}//".encode(),
        "many lists": b'{"extra": [' + b"[]," * 300_000 + b"0], " + members.encode() + b"}",
        "empty": b"",
        "blank": b" \n",
        **{document: document.encode() for document in ("null", "[]", '""', "0", "true", f"[{text}]")},
    }


@on_sqlite
async def test_bodies_that_are_no_json(client: Client) -> None:
    async with asking(client) as asker:
        for route in json_routes():
            values = route.least(asker.own)
            # Where the body is optional, an empty one is no mistake: what is missing then is the task.
            good = call(route, values).body or {"a": 1}
            method, path, _ = call(route, values)
            for note, raw in bad_json(good).items():
                await asker.ask({422}, method, path, raw=raw, note=note)


@on_sqlite
async def test_bodies_of_another_type(client: Client) -> None:
    types = [
        *(
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=a",
            "application",
        ),
        *(
            "text/json",
            "application/jsonp",
            "application/octet-stream",
            "*/*",
            ",",
            ";",
            "application/json,x",
        ),
    ]
    async with asking(client) as asker:
        for route in json_routes():
            method, path, body = call(route, route.least(asker.own))
            raw = json.dumps(body or {"a": 1}).encode()
            for declared in types:
                await asker.ask({415}, method, path, raw=raw, headers={"Content-Type": declared})
            missing = {"skip_auto_headers": ["Content-Type"], "headers": {}}
            for sent in (raw, _chunks(raw)):
                await asker.ask({415, 422}, method, path, data=sent, **missing)
            latin = json.dumps(body or {"a": 1}).encode()[:-1] + b', "extra": "\xe9"}'
            headers = {"Content-Type": "application/json; charset=latin-1"}
            await asker.ask({422}, method, path, raw=latin, headers=headers)
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            await asker.ask({415, 422}, method, path, raw=b"\x1f\x8b\x08" + raw, headers=headers)


async def _chunks(raw: bytes) -> AsyncIterator[bytes]:
    """An iterator makes aiohttp send the body chunked."""
    for start in range(0, len(raw), 65536):
        yield raw[start : start + 65536]
