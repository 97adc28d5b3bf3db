"""Files beside messages: what is kept, what a model is shown, and what is not."""

from tests.files import documents
from tests.files.uploads import send, stored
from tests.fixtures.client import Client
from tests.fixtures.rows import every_row
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import Upstream, answer, reply
from tests.generation.asking import scripted


async def test_a_message_lists_its_files(client: Client) -> None:
    chat = (await client.conversation())["uuid"]
    one, two = await stored(client, "一.txt"), await stored(client, "二.png", documents.PNG)
    await client.say(chat, files=[one["id"], two["id"], one["id"].upper()])
    question, answer = await client.messages(chat)
    fields = ("id", "name", "size", "content_type", "url")
    assert question["files"] == [{name: made[name] for name in fields} for made in (one, two)]
    assert answer["files"] == []


async def test_a_file_is_named_as_its_upload_was_answered(client: Client) -> None:
    chat = (await client.conversation())["uuid"]
    made = await stored(client)
    await client.say(chat, files=[made])
    [question, _] = await client.messages(chat)
    await client.say(chat, files=question["files"])
    assert (await client.messages(chat))[2]["files"] == question["files"] != []
    for wrong in ({}, {"id": None}, {"id": {"id": made["id"]}}, [made["id"]]):
        refusal = await client.post("/chat/messages", {"chat_id": chat, "content": "", "files": [wrong]})
        assert refusal.body["detail"][0]["loc"] == ["body", "files", 0]


async def test_another_version_of_a_question_has_its_files(client: Client) -> None:
    chat = (await client.conversation(config={"offline": {"text": "好", "rate": 0}}))["uuid"]
    await client.say(chat, files=[(await stored(client))["id"]])
    question = (await client.messages(chat))[0]
    await client.put(f"/chat/messages/{question['uuid']}", {"content": "新", "branch": True})
    assert (await client.messages(chat))[0]["files"] == question["files"]


async def test_an_unknown_file_changes_nothing(client: Client) -> None:
    chat = (await client.conversation())["uuid"]
    made = await stored(client)
    await client.delete(f"/chat/files/{made['id']}")
    before = await client.app.state.database.read(every_row)
    for path in ("/chat/messages", "/chat/messages/stream"):
        sent = await client.post(path, {"chat_id": chat, "content": "看", "files": [made["id"]]})
        assert sent.error == "file_not_found"
    assert await client.app.state.database.read(every_row) == before


async def test_the_offline_model_says_what_it_got(client: Client) -> None:
    chat = (await client.conversation())["uuid"]
    files = [await stored(client, "a.txt", b"hello"), await stored(client, "b.png", documents.PNG)]
    ids = [made["id"] for made in files]
    said = await client.say(chat, "你好", files=ids, config={"offline": {"rate": 0}})
    assert "【文档】a.txt（5 个字符）" in said["reply"]["content"]
    assert "【图片】b.png" in said["reply"]["content"]


async def test_a_model_is_shown_pictures_and_texts(start_server: StartServer) -> None:
    async with scripted(start_server, reply("好")) as server:
        client = server.client
        picture, text = await stored(client, "a.png", documents.PNG), await stored(client, "b.md", b"# one")
        chat = (await client.conversation(title="图"))["uuid"]
        body = {"chat_id": chat, "content": "看"}
        await client.post("/chat/messages", body | {"files": [picture["id"], text["id"]]})
        await client.delete(f"/chat/files/{text['id']}")
        await client.post("/chat/messages", body)
        (first,), (again, *_) = [request["messages"] for request in server.requests()]
        words, shown = first["content"]
        assert words["text"] == '<document name="b.md">\n# one\n</document>\n\n看'
        assert shown["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
        # What is deleted is shown to nobody any more.
        assert [part["type"] for part in again["content"]] == ["text", "image_url"]
        assert again["content"][0]["text"] == "看"


async def test_a_message_may_be_a_picture_alone(start_server: StartServer) -> None:
    async with scripted(start_server, reply("好")) as server:
        client = server.client
        picture = await stored(client, "a.png", documents.PNG)
        chat = (await client.conversation(title="图"))["uuid"]
        alone = {"chat_id": chat, "files": [picture["id"]]}
        assert (await client.post("/chat/messages", alone)).data["reply"]["content"] == "好"
        assert (await client.post("/chat/messages", alone | {"content": " "})).status == 200
        await client.delete(f"/chat/files/{picture['id']}")
        await client.post("/chat/messages", {"chat_id": chat, "content": "看"})
        first, second, third = [request["messages"] for request in server.requests()]
        assert [part["type"] for part in first[0]["content"]] == ["image_url"]
        assert [message["role"] for message in second] == ["user", "assistant", "user"]
        # What is deleted leaves nothing of such a message.
        assert [message["content"] for message in third] == ["好", " ", "好", "看"]
        assert (await client.post("/chat/messages", {"chat_id": chat})).status == 422


async def test_a_model_without_eyes_is_told_of_pictures(start_server: StartServer) -> None:
    refusal = answer(400, {"error": {"message": "this model does not support image input"}})
    async with scripted(start_server, refusal, reply("好")) as server:
        client = server.client
        picture = await stored(client, "a.png", documents.PNG)
        chat = (await client.conversation(title="图"))["uuid"]
        body = {"chat_id": chat, "content": "看", "files": [picture["id"]]}
        assert (await client.post("/chat/messages", body)).data["reply"]["content"] == "好"
        assert server.requests()[1]["messages"][0]["content"] == '<picture name="a.png" shown="false"/>\n\n看'


async def test_a_model_of_which_it_is_known_that_it_does_not_see_is_shown_no_picture(client: Client) -> None:
    blind = {"id": "blind", "architecture": {"input_modalities": ["text"]}}
    listing = answer(200, {"data": [blind]})
    async with Upstream(listing, reply("好")) as upstream:
        connection = {"model_url": upstream.url, "provider": "custom", "api_key": "sk-0123456789abcdef"}
        made = (await client.post("/chat/api-keys", connection)).data
        await client.get("/chat/models/available")
        picture = await stored(client, "a.png", documents.PNG)
        body = {"chat_id": (await client.conversation())["uuid"], "content": "看", "files": [picture["id"]]}
        await client.post("/chat/messages", body)
        # A person may know better.
        await client.put("/chat/api-keys", {"id": made["id"], "config": {"capabilities": ["vision"]}})
        await client.post("/chat/messages", body | {"chat_id": (await client.conversation())["uuid"]})
    named, shown = [call.json() for call in upstream.calls if call.method == "POST"]
    assert named["messages"][0]["content"] == '<picture name="a.png" shown="false"/>\n\n看'
    assert shown["messages"][0]["content"][1]["type"] == "image_url"
    assert "capabilities" not in shown


async def test_the_newest_documents_are_shown_within_the_limit(start_server: StartServer) -> None:
    async with scripted(start_server, reply("好"), max_file_chars=8) as server:
        client = server.client
        chat = (await client.conversation(title="图"))["uuid"]
        for word in (b"aaaa", b"bbbbb", b"ccccc"):
            made = (await send(client, "a.txt", word)).data
            await client.post("/chat/messages", {"chat_id": chat, "content": "看", "files": [made["id"]]})
        asked = [m["content"] for m in server.requests()[-1]["messages"] if m["role"] == "user"]
        assert asked == [
            '<document name="a.txt" truncated="true">\n\n</document>\n\n看',
            '<document name="a.txt" truncated="true">\nbbb\n</document>\n\n看',
            '<document name="a.txt">\nccccc\n</document>\n\n看',
        ]
