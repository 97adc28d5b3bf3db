"""`/chat/upload` and `/chat/files`: what is sent is what is given back, and known for what it is."""

from pathlib import Path

import aiohttp
import pytest

from tests.files import documents
from tests.files.uploads import content_of, on_disk, send, stored
from tests.fixtures.client import Client
from tests.fixtures.rows import every_row
from tests.fixtures.server import StartServer

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ACCEPTED = [
    ("a.png", documents.PNG, "image/png", None),
    ("a.txt", documents.JPEG, "image/jpeg", None),
    ("a.html", documents.GIF, "image/gif", None),
    ("a", documents.WEBP, "image/webp", None),
    ("说明.md", "# 标题\n".encode(), "text/markdown", 5),
    ("表.csv", "姓名,年龄\n".encode("gb18030"), "text/csv", 6),
    ("a.JSON", b'{"a": 1}', "application/json", 8),
    ("a.py", "print('好')".encode("utf-16"), "text/plain", 10),
    ("evil.html", b"<script>alert(1)</script>", "text/plain", 25),
    ("evil.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain", 59),
    ("evil.png", b"\xef\xbb\xbfno picture", "text/plain", 10),
    ("a.pdf", documents.pdf("Hello", "world"), "application/pdf", 11),
    ("a.doc", documents.word("第一段", "第二段"), DOCX, 11),
]


@pytest.mark.parametrize(
    ("name", "content", "content_type", "length"), ACCEPTED, ids=[name for name, *_ in ACCEPTED]
)
async def test_a_file_is_what_its_content_says(
    client: Client, name: str, content: bytes, content_type: str, length: int | None
) -> None:
    made = await stored(client, name, content)
    assert (made["name"], made["size"], made["content_type"]) == (name, len(content), content_type)
    assert (made["character_count"], made["is_cut"]) == (length, False)
    assert made["kind"] == ("image" if length is None else "document")
    assert (await client.get(f"/chat/files/{made['id']}")).data == made
    status, given, headers = await content_of(client, made["url"])
    assert (status, given, headers["Content-Type"]) == (200, content, content_type)
    kind = "inline" if content_type.startswith("image/") else "attachment"
    assert headers["Content-Disposition"].startswith(kind + ";")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    _, _, headers = await content_of(client, made["url"] + "?download=true")
    assert headers["Content-Disposition"].startswith("attachment;")


async def test_a_deleted_file_is_gone(client: Client, tmp_path: Path) -> None:
    made = await stored(client)
    path = f"/chat/files/{made['id']}"
    assert (await client.delete(path)).data is None
    for answer in (await client.get(path), await client.delete(path), await client.get(path + "/content")):
        assert answer.error == "file_not_found"
    # Deleting marks: what the file was is still there, for whoever keeps the server.
    assert on_disk(tmp_path) == [made["id"]]


NAMES = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\boot.ini", "boot.ini"),
    ("/etc/passwd", "passwd"),
    ("..", "file"),
    ("a\u202egpj\u200b\u2028.txt", "agpj.txt"),
    ("con.txt", "_con.txt"),
    ("很" * 300 + ".txt", "很" * 65 + ".txt"),
    ("👨‍👩‍👧 相册.txt", "👨‍👩‍👧 相册.txt"),
]


async def test_a_name_leads_nowhere(client: Client, tmp_path: Path) -> None:
    made = []
    for sent, kept in NAMES:
        made.append(await stored(client, sent))
        assert made[-1]["name"] == kept
        assert (await content_of(client, made[-1]["url"]))[1] == b"hello"
    assert on_disk(tmp_path) == sorted(file["id"] for file in made)


REFUSED = [
    ("empty.txt", b"", 422, "invalid_input"),
    ("a.txt", b"\x00\x01\x02binary", 415, "unsupported_file"),
    ("a.exe", b"MZ" + bytes(range(256)), 415, "unsupported_file"),
    ("a.docx", documents.zipped(a=b"1"), 415, "unsupported_file"),
    ("a.docx", b"PK\x03\x04 and no more", 415, "file_unreadable"),
    ("a.docx", documents.zipped(word__document=b"<a/>"), 415, "file_unreadable"),
    ("a.pdf", b"%PDF-1.7 and no more", 415, "file_unreadable"),
    ("a.pdf", documents.locked_pdf(), 415, "file_locked"),
    ("a.txt", bytes(20 * 2**20 + 1), 413, "body_too_large"),
]


async def test_what_is_refused_leaves_nothing(client: Client, tmp_path: Path) -> None:
    before = await client.app.state.database.read(every_row)
    for name, content, status, error in REFUSED:
        answer = await send(client, name, content)
        assert (answer.status, answer.error) == (status, error), (name, content[:20])
    assert on_disk(tmp_path) == []
    assert await client.app.state.database.read(every_row) == before


BROKEN = [
    (b"", "multipart/form-data; boundary=x", 422),
    (b"--x\r\n", "multipart/form-data; boundary=x", 422),
    (b"hello", "multipart/form-data; boundary=x", 422),
    (b"hello", "multipart/form-data", 422),
    (b"hello", "text/plain", 415),
    (b'{"file": "a"}', "application/json", 415),
]
PART = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
FILE = PART % (b"file", b'; filename="a.txt"', b"hello")
BROKEN += [
    (body, "multipart/form-data; boundary=x", 422)
    for body in (
        FILE,  # Cut: the last boundary is missing.
        FILE[:-4],
        FILE + FILE + b"--x--\r\n",
        PART % (b"file", b"", b"hello") + b"--x--\r\n",
        PART % (b"other", b'; filename="a.txt"', b"hello") + b"--x--\r\n",
    )
]


async def test_a_broken_body_leaves_nothing(client: Client, tmp_path: Path) -> None:
    for body, content_type, status in BROKEN:
        answer = await client.post("/chat/upload", raw=body, headers={"Content-Type": content_type})
        assert answer.status == status, body
    assert on_disk(tmp_path) == []


async def test_a_retried_upload_is_one_file(client: Client, tmp_path: Path) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await send(client, "a.txt", b"hello", headers=headers)
    assert (await send(client, "a.txt", b"hello", headers=headers)).data == first.data
    assert (await send(client, "a.txt", b"other", headers=headers)).error == "idempotency_key_reused"
    assert on_disk(tmp_path) == [first.data["id"]]


async def test_a_long_text_is_cut_for_models_and_kept_whole(start_server: StartServer) -> None:
    async with start_server(max_file_chars=5) as client:
        for name, content in (
            ("a.txt", "一二三四五六".encode()),
            ("a.pdf", documents.pdf("abcdef")),
            ("a.docx", documents.word("一二三四五六")),
        ):
            made = await stored(client, name, content)
            assert (made["character_count"], made["is_cut"]) == (5, True)
            _, given, _ = await content_of(client, made["url"])
            assert given == content


async def test_a_field_beside_the_file_does_no_harm(client: Client) -> None:
    form = aiohttp.FormData()
    form.add_field("purpose", "chat")
    form.add_field("file", b"hello", filename="a.txt")
    assert (await client.post("/chat/upload", data=form)).data["name"] == "a.txt"
