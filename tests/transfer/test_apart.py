"""A large file is read in a process of its own, and what is found is the same."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from duihua.core import isolated
from duihua.transfer import formats
from duihua.transfer.formats import apart, detecting
from duihua.transfer.found import BrokenArchive, Found, UnreadableFile
from duihua.transfer.threads import Stop
from tests.fixtures.client import Client
from tests.transfer.test_import import BROKEN, archive, counts, encoded, load, message, zipped
from tests.transfer.test_programs import CHATGPT, CLAUDE, DEEPSEEK

_FILES = {"f": {"content": base64.b64encode(b"1" * 3_000_000).decode()}, "g": {"content": ""}}
_WHOLE = archive(
    message("b", "a") | {"message_metadata": {"深": [1, None, 2.5, -(2**63)]}, "files": [{"id": "f"}]},
    message("a") | {"created_at": "2026-01-31T16:00:00.123456+08:00"},
) | {"files": _FILES}
FILES = {
    "ours": encoded(_WHOLE),
    "ours, some broken": encoded(_WHOLE, *BROKEN.values(), archive()),
    "a zip": zipped(a=encoded(archive()), b=b"no", c=encoded(_WHOLE)),
    "of others": json.dumps([CHATGPT, CLAUDE, DEEPSEEK, 7]).encode(),
    "of others in a zip": zipped(
        **{"conversations.json": json.dumps([CHATGPT]).encode(), "user.json": b"{}"}
    ),
}


def told(found: Found) -> tuple[Any, ...]:
    """All that can be compared."""
    content = found.content.values if isinstance(found.content, BrokenArchive) else found.content
    return found.place, found.done, found.program, content


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", FILES)
def test_what_is_found_is_the_same(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, FILES[name])
    here = [told(found) for found in detecting.found_in(path)]
    assert [told(found) for found in apart.read(path, Stop())] == here


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    for content in (b"nothing", b"PK\x03\x04cut"):
        path = _file(tmp_path, content)
        with pytest.raises(UnreadableFile) as here:
            list(detecting.found_in(path))
        with pytest.raises(UnreadableFile) as there:
            list(apart.read(path, Stop()))
        assert there.value.values == here.value.values


def test_what_takes_too_much_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = isolated.command

    def narrow(module: str, path: str) -> tuple[list[str], dict[str, str]]:
        code = (
            f"import sys; from {module} import isolated, main; give_up = isolated.give_up_rights;"
            "isolated.give_up_rights = lambda memory_bytes: give_up(memory_bytes=200 * 2**20);"
            "sys.exit(main())"
        )
        return [sys.executable, "-I", "-c", code, path], command(module)[1]

    monkeypatch.setattr(isolated, "command", narrow)
    heavy = archive() | {"messages": [0.5] * 4_000_000}
    path = _file(tmp_path, encoded(archive(), heavy, archive()))
    first, last = apart.read(path, Stop())
    assert not isinstance(first.content, BrokenArchive)
    assert isinstance(last.content, BrokenArchive)
    assert (last.done, last.content.values) == (
        first.done,
        {"reason": "takes more memory than it is given to be read"},
    )


def test_a_fault_of_the_reader_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(isolated, "command", lambda *_: ([sys.executable, "-c", "raise KeyError('why')"], {}))
    with pytest.raises(RuntimeError):
        list(apart.read(_file(tmp_path, FILES["ours"]), Stop()))
    assert "KeyError: 'why'" in capfd.readouterr().err


def test_who_reads_no_further_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Started(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Started)
    reading = apart.read(_file(tmp_path, encoded(*[_WHOLE] * 20)), Stop())
    next(iter(reading))
    assert [process.poll() for process in started] == [None]
    reading.close()
    assert started[0].poll() is not None


def test_only_a_small_file_is_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def note(path: Path, _: Stop) -> Any:
        asked.append(path)
        return detecting.found_in(path)

    monkeypatch.setattr(apart, "read", note)
    blank = b" " * formats.SMALL_BYTES
    small, zipped_small = encoded(archive()), zipped(a=encoded(archive()))
    for content in (small, zipped_small):
        assert len(list(formats.read(_file(tmp_path, content), Stop()))) == 1
    assert asked == []
    for content in (small + blank, zipped(a=encoded(archive()) + blank)):
        assert len(list(formats.read(_file(tmp_path, content), Stop()))) == 1
    assert len(asked) == 2


async def test_a_message_is_no_larger_than_can_be_stored_at_once(client: Client) -> None:
    beside = {"message_metadata": {"a": "b" * (4 * 2**20)}}
    many = {"message_metadata": {"a": [[]] * 50_000}}
    revised = {"content": "早" * 3_000_000}
    revisions = {"revisions": [revised | {"created_at": "2026-01-31T08:00:00Z"}]}
    too_large = [
        archive(message("a") | {"content": "a" * 5_000_001}),
        archive(message("a") | revised | revisions),
        archive(message("a") | beside),
        archive(message("a") | many),
        archive(config={"a": "b" * (4 * 2**20)}),
    ]
    content = encoded(*too_large, archive(message("a") | {"content": "a" * 4_000_000}))
    report = (await load(client, content)).data
    assert counts(report) == (1, 0, 5)
    reasons = [error["message"].rpartition("：")[2] for error in report["errors"]]
    assert reasons == ["有消息超过五百万字"] * 2 + ["文本之外的内容过多，无法保存"] * 3
