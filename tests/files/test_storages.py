"""The two storages keep the same promises; the bucket is that of a server on this machine."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from duihua.files.local_storage import LocalStorage
from duihua.files.s3_storage import Bucket, S3Storage
from duihua.files.storage import FileContentMissing, FileStorageUnavailable, Storage
from tests.files.uploads import content_of, on_disk, stored
from tests.fixtures.server import StartServer

KEY = "0199d0a4-0000-7000-8000-00000000007f"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of a server with one bucket, `files`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    connection = http.client.HTTPConnection(host, port)
    connection.request("PUT", "/files")
    assert connection.getresponse().status == 200
    connection.close()
    yield f"http://{host}:{port}"
    server.stop()


def bucket(s3: str, name: str = "files") -> S3Storage:
    return S3Storage(Bucket(name, "chat", s3, "us-east-1", "id", "secret"))


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path / "files")
    return bucket(request.getfixturevalue("s3"))


async def read(storage: Storage, key: str) -> bytes:
    return b"".join([piece async for piece in await storage.open(key)])


async def test_what_is_put_is_there_until_it_is_deleted(storage: Storage, tmp_path: Path) -> None:
    content = bytes(range(256)) * 2**13
    (tmp_path / "incoming").write_bytes(content)
    await storage.put(KEY, tmp_path / "incoming")
    assert await read(storage, KEY) == content
    await storage.delete(KEY)
    await storage.delete(KEY)
    with pytest.raises(FileContentMissing):
        await storage.open(KEY)


async def test_a_bucket_that_is_not_there_is_named(s3: str, tmp_path: Path) -> None:
    (tmp_path / "incoming").write_bytes(b"a")
    with pytest.raises(FileStorageUnavailable):
        await bucket(s3, "missing").put(KEY, tmp_path / "incoming")
    with pytest.raises(FileStorageUnavailable):
        await bucket("http://127.0.0.1:1").put(KEY, tmp_path / "incoming")


async def test_a_server_keeps_its_files_in_a_bucket(
    start_server: StartServer, s3: str, tmp_path: Path
) -> None:
    options = {"s3_endpoint": s3, "s3_region": "us-east-1", "s3_key_id": "id", "s3_secret": "secret"}
    async with start_server(file_storage="s3://files/of/us", **options) as client:
        made = await stored(client, content=b"hello")
        assert (await content_of(client, made["url"]))[:2] == (200, b"hello")
        assert await read(client.app.state.storage, made["id"]) == b"hello"
        assert on_disk(tmp_path) == []
