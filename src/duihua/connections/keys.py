"""API keys at rest: Fernet tokens under a secret key that is kept apart from the database.

The secret key is `DUIHUA_SECRET_KEY`, or else a file in the data folder, made on first use. Either may
hold several: the first encrypts, all of them decrypt. See docs/decisions/0008-keys-at-rest.md for why.
"""

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from duihua.core.config import Config, secret_keys
from duihua.core.errors import Conflict
from duihua.core.i18n import messages_of

# A twentieth of a second to import, and only needed once there is a key to read or write.
if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

FILE_NAME = "secret.key"
_PREFIX = "fernet:"
_HEADER = (
    "# Duihua encrypts the API keys in its database with this. Keep a copy, apart from the database's copies."
)


class KeyUnreadable(Conflict):
    """A stored API key was encrypted under a secret key that is not here."""

    code = "connection_key_unreadable"


messages_of(
    {
        "connection_key_unreadable": (
            "无法解密已保存的 API 密钥：加密它的主密钥不在此处。请将原来的 secret.key 放回 "
            "DUIHUA_DATA_DIR（或把原主密钥加入 DUIHUA_SECRET_KEY），或重新填写该连接的 API 密钥",
            "The stored API key cannot be decrypted: the secret key it was encrypted with is not here. "
            "Put the former secret.key back into DUIHUA_DATA_DIR (or add the former key to "
            "DUIHUA_SECRET_KEY), or enter the connection's API key again",
        ),
        "unavailable_connection_key_unreadable": (
            "连接保存的 API 密钥无法解密",
            "The stored API key of its connection cannot be decrypted",
        ),
    }
)


class Keys:
    """Encrypts and decrypts API keys. Nothing that it raises holds one."""

    def __init__(self, config: Config) -> None:
        self._configured = secret_keys(config)
        self.file = config.data_dir.expanduser() / FILE_NAME
        self._held: tuple[str, ...] = ()
        self._cipher: MultiFernet | None = None

    @property
    def is_file(self) -> bool:
        """Whether the secret key is the file's, and not the environment's."""
        return not self._configured

    def prepare(self) -> None:
        """Make the key file where it is needed and missing; of several processes one makes it.

        Raises:
            OSError: it can be neither read nor made.
        """
        if self.is_file and not self.file.exists():
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                self.replace([new_secret()], only_if_missing=True)

    def seal(self, api_key: str) -> str:
        """`api_key` as it may be stored."""
        # Read anew: the secret key may have been rotated by another process.
        self._load()
        return _PREFIX + self._loaded().encrypt(api_key.encode()).decode()

    def open(self, stored: str) -> str:
        """The API key that was stored; one of an older deployment may still be plain.

        Raises:
            KeyUnreadable.
        """
        if not is_sealed(stored):
            return stored
        token = stored.removeprefix(_PREFIX).encode()
        opened = self._decrypted(token)
        if opened is None and self._load():
            opened = self._decrypted(token)
        if opened is None:
            raise KeyUnreadable
        return opened

    def is_current(self, stored: str) -> bool:
        """Whether it is sealed under the first secret key."""
        from cryptography.fernet import Fernet, InvalidToken

        self._load()
        with suppress(InvalidToken):
            Fernet(self._held[0]).decrypt(stored.removeprefix(_PREFIX).encode())
            return is_sealed(stored)
        return False

    def reseal(self, stored: str) -> str:
        """The same API key under the first secret key. Raises KeyUnreadable."""
        return self.seal(self.open(stored))

    def file_secrets(self) -> list[str]:
        """The secret keys in the key file, the first of which encrypts."""
        lines = (line.strip() for line in self.file.read_text("utf-8").splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    def replace(self, secrets_: list[str], *, only_if_missing: bool = False) -> None:
        """Write the key file anew, as a whole or not at all.

        Raises:
            FileExistsError: with `only_if_missing`, where another process was faster.
        """
        beside = self.file.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write("\n".join([_HEADER, *secrets_, ""]))
                file.flush()
                os.fsync(file.fileno())
            if only_if_missing:
                os.link(beside, self.file)
            else:
                beside.replace(self.file)
        finally:
            beside.unlink(missing_ok=True)
        _flush_folder(self.file.parent)

    def _decrypted(self, token: bytes) -> str | None:
        from cryptography.fernet import InvalidToken

        with suppress(InvalidToken):
            return self._loaded().decrypt(token).decode()
        return None

    def _loaded(self) -> "MultiFernet":
        if self._cipher is None:
            self._load()
        assert self._cipher is not None
        return self._cipher

    def _load(self) -> bool:
        """Take the secret keys as they are now; whether they have changed."""
        from cryptography.fernet import Fernet, MultiFernet

        self.prepare()
        current = self._configured or tuple(self.file_secrets())
        if current == self._held:
            return False
        self._cipher = MultiFernet([Fernet(secret) for secret in current])
        self._held = current
        return True


def is_sealed(stored: str) -> bool:
    """Whether it is encrypted; what an older deployment or a person stored is not."""
    return stored.startswith(_PREFIX)


def new_secret() -> str:
    """A new secret key: 32 random bytes in URL-safe base64, as Fernet wants it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def masked(api_key: str) -> str:
    """What of a key may be shown: `sk-…abcd`; nothing of a short one."""
    if len(api_key) < 12:
        return "…"
    prefix = api_key[:3] if api_key[2] == "-" else ""
    return f"{prefix}…{api_key[-4:]}"


def _flush_folder(folder: Path) -> None:
    # A new name is on disk once its folder is; Windows has no such call and needs none.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
