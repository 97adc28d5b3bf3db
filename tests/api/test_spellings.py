"""Two spellings in, one out (contract.md, rule 1): for every name of more than one word, on every route."""

import json
import re
from io import BytesIO
from typing import Any, NamedTuple
from zipfile import ZipFile

from duihua.db.session import Session
from duihua.models import Conversation
from tests.api.routes import UPLOADS, Field, Route, call, camel, routes, upload
from tests.db.notes import on_sqlite
from tests.fixtures.client import Client
from tests.fixtures.rows import Owned, add_rows

ENGLISH = {"Accept-Language": "en"}
TWICE = "is given twice with different values"
# No field of more than one word takes these: they are of the wrong type, or too long.
WRONG = {"query": "x!" * 1000, "body": [[]]}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(\+00:00|Z)")
_TOOK = re.compile(r'"(response_time|first_token_ms|duration_ms)":([\d.e-]+|null)')
_NUMBERED = re.compile(r'"(id|group_id|api_key_id|prompt_id)":(\d+)')


class Answer(NamedTuple):
    """What matters of an answer: its names are those of the things that were made for the request."""

    status: int
    text: str


def new_things(session: Session) -> Owned:
    """Rows for one request, whose conversation answers at once."""
    own = add_rows(session)
    chat = session.get_one(Conversation, own.chat_row)
    chat.config = {"offline": {"text": "好的。", "rate": 0}}
    return own


def renamed(text: str, own: Owned) -> str:
    """`text` with every id by its meaning, and without moments and durations."""
    kinds = own._asdict()
    uuids = {str(name): f"<{kind}>" for kind, name in kinds.items()}
    text = _UUID.sub(lambda match: uuids.get(match[0], "<uuid>"), text)
    numbers = {"group_id": own.group, "api_key_id": own.connection, "prompt_id": own.prompt}
    text = _NUMBERED.sub(
        lambda m: f'"{m[1]}":"{"its own" if numbers.get(m[1]) == int(m[2]) else "<n>"}"', text
    )
    return _TOOK.sub(r'"\1":"<took>"', _TIME.sub("<time>", text))


def merged(stream: bytes) -> str:
    """The events of a stream; how its text was cut into chunks depends on the clock."""
    events = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: ")]
    text = "".join(event["content"] for event in events if event["type"] == "chunk")
    return json.dumps([text, *(event for event in events if event["type"] != "chunk")], separators=(",", ":"))


def unpacked(archive: bytes) -> str:
    """What the files of an archive say."""
    with ZipFile(BytesIO(archive)) as files:
        return "\n".join(files.read(name).decode() for name in files.namelist())


_READ = {"text/event-stream": merged, "application/zip": unpacked}


class Sender:
    """Sends the least request on a route, with one field under the spellings that are asked for."""

    def __init__(self, client: Client, shared: Owned) -> None:
        self._client, self._shared = client, shared

    async def send(self, route: Route, field: Field, sent: dict[str, Any]) -> Answer:
        """`sent` is the field's value by its spelling; `...` stands for one that is right."""
        # What lists things must not see those of other requests; what changes things wants new ones.
        own = self._shared
        if route.method != "GET":
            own = await self._client.app.state.database.write(new_things)
        values = route.least(own)
        values.pop((field.place, field.name), None)
        right = route.sample(field, own)
        values |= {(field.place, name): right if value is ... else value for name, value in sent.items()}
        method, path, body = call(route, values)
        sent_body = {"data": upload(**UPLOADS.get(route.path, {}))} if route.takes_file else {"json": body}
        options = {**sent_body, "headers": ENGLISH}
        async with self._client.session.request(method, self._client.origin + path, **options) as response:
            text = _READ.get(response.content_type, bytes.decode)(await response.read())
        return Answer(response.status, renamed(text, own))

    async def problems(self, route: Route, field: Field) -> list[str]:
        """How the spellings of one field are not alike."""
        snake, other = field.name, camel(field.name)
        different = {"query": "999999", "body": None}[field.place]
        plain = await self.send(route, field, {snake: ...})
        alike = [await self.send(route, field, sent) for sent in ({other: ...}, {snake: ..., other: ...})]
        wrong, wrong_too = [
            await self.send(route, field, {name: WRONG[field.place]}) for name in (snake, other)
        ]
        twice = [
            await self.send(route, field, sent)
            for sent in ({snake: ..., other: different}, {snake: different, other: ...})
        ]
        found = [f"{plain} is not {answer}" for answer in alike if answer != plain]
        found += [] if plain.status == 200 else [f"{plain} is no success"]
        found += [] if wrong == wrong_too else [f"{wrong} is not {wrong_too}"]
        found += [f"{a} is no refusal of {snake}" for a in (wrong, *twice) if not _is_refusal_of(a, snake)]
        found += [f"{answer} does not say why" for answer in twice if TWICE not in answer.text]
        return [f"{route} {snake}: {problem}" for problem in found]


def _is_refusal_of(answer: Answer, name: str) -> bool:
    return answer.status == 422 and name in answer.text


def fields_of_several_words() -> list[tuple[Route, Field]]:
    return [(route, field) for route in routes() for field in route.at("query", "body") if "_" in field.name]


# Names are folded before a database is asked.
@on_sqlite
async def test_every_name_has_two_spellings(client: Client) -> None:
    sender = Sender(client, await client.app.state.database.write(new_things))
    fields = fields_of_several_words()
    # Those that the contract names, in case the document should lose them.
    assert {"chat_id", "group_id", "include_chats", "target_group_id"} <= {field.name for _, field in fields}
    problems = [problem for asked in fields for problem in await sender.problems(*asked)]
    assert not problems, "\n".join(problems)


async def test_other_names_of_existing_clients_count_as_spellings(client: Client) -> None:
    chat = await client.conversation()
    for old, new, value in [
        ("type", "message_type", "image"),
        ("type", "messageType", "image"),
        ("metadata", "message_metadata", {"a": 1}),
        ("metadata", "messageMetadata", {"a": 1}),
    ]:
        for names in ([old], [new], [old, new]):
            await client.say(chat["uuid"], **dict.fromkeys(names, value))
            question = (await client.messages(chat["uuid"]))[-2]
            assert value in (question["message_type"], question["message_metadata"]), names
        body = {"chat_id": chat["uuid"], "content": "1", old: value, new: None}
        answer = await client.post("/chat/messages", body, headers=ENGLISH)
        assert answer.status == 422
        assert TWICE in answer.body["detail"][0]["msg"]


async def test_settings_have_two_spellings_and_keep_what_they_do_not_know(client: Client) -> None:
    kept = {"stopSequences": ["a"], "n_probs": 3}
    made = await client.conversation(config={"maxTokens": 5, "topP": 1, "systemPrompt": "a"} | kept)
    assert made["config"] == {"max_tokens": 5, "top_p": 1, "system_prompt": "a"} | kept
    both = await client.post("/chat/conversations", {"config": {"maxTokens": 5, "max_tokens": 6}})
    assert both.error == "invalid_input"
    assert both.body["detail"][0]["loc"][:2] == ["body", "config"]


async def test_answers_are_in_snake_case(client: Client) -> None:
    """All but the two fields of paging."""
    own = await client.app.state.database.write(new_things)
    paths = [call(route, route.least(own)).path for route in routes() if route.method == "GET"]
    answers = []
    for path in paths:
        async with client.session.get(client.origin + path) as response:
            answers.append(await response.text(errors="replace"))
    names = set(re.findall(r'"([^"]*)":', "".join(answers)))
    assert {name for name in names if name != name.lower()} == {"pageNum", "pageSize"}
