"""What the operator decides: read once from the environment (and a `.env` file), then passed along."""

import base64
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEFAULT_DATABASE = "duihua.db"


def _user_data_dir() -> Path:
    """The user's data folder: XDG Base Directory Specification 0.8, or the system's own place."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "duihua"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "duihua"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "duihua"


class Config(BaseSettings):
    """Every option of the server; the field's description is what `.env.example` and `--help` say."""

    model_config = SettingsConfigDict(
        env_prefix="DUIHUA_", env_file=".env", extra="ignore", populate_by_name=True, frozen=True
    )

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 for every interface")
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("port", "DUIHUA_PORT", "PORT"),
        description="port to listen on; PORT is read too",
    )
    workers: int = Field(
        1, ge=1, le=256, description="processes that share the port; more than one needs PostgreSQL"
    )
    data_dir: Path = Field(
        default_factory=_user_data_dir,
        description="folder of the SQLite file, uploads and the key file; default: the user's data folder",
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL", "DUIHUA_DATABASE_URL"),
        description="postgresql://user:password@host/name or sqlite:///path; default: in DUIHUA_DATA_DIR",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="encrypts stored API keys; 32 bytes in base64; several, separated by commas: the first "
        "encrypts, all decrypt; default: a key file made in DUIHUA_DATA_DIR",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("redis_url", "REDIS_URL", "DUIHUA_REDIS_URL"),
        description="redis://host:6379/0: wakes readers on other processes; not needed by one process",
    )
    database_connections: int = Field(
        10,
        ge=1,
        le=1000,
        description="most connections of one process to PostgreSQL, beside one of its own for replies",
    )
    synchronous: Literal["normal", "full"] = Field(
        "full",
        description="SQLite: full survives power loss; normal is faster and survives a killed process only",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="origins whose pages may call the API, separated by commas"
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="host names to answer to, separated by commas; default: any; on loopback this machine's",
    )
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="largest JSON body; larger: 413")
    max_file_bytes: int = Field(20 * 2**20, ge=1024, description="largest uploaded file; larger: 413")
    max_import_bytes: int = Field(4 * 2**30, ge=1024, description="largest file to import; larger: 413")
    max_file_chars: int = Field(
        100_000, ge=1, description="how much text of documents a model is shown with one question"
    )
    file_storage: str = Field(
        "",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]+(/.*)?)?$",
        description="where uploaded files are kept: s3://bucket/prefix; default: in DUIHUA_DATA_DIR",
    )
    file_keep_days: int = Field(
        30, ge=0, le=36500, description="a deleted file's content is removed after so many days"
    )
    s3_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("s3_endpoint", "AWS_ENDPOINT_URL"),
        description="address of a server that speaks S3, http://host:9000; default: Amazon's",
    )
    s3_region: str | None = Field(
        None, validation_alias=AliasChoices("s3_region", "AWS_REGION"), description="region of the bucket"
    )
    s3_key_id: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("s3_key_id", "AWS_ACCESS_KEY_ID"),
        description="who enters the bucket; default: as Amazon's own tools find it",
    )
    s3_secret: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("s3_secret", "AWS_SECRET_ACCESS_KEY"),
        description="the secret to DUIHUA_FILE_STORAGE's key",
    )
    max_message_chars: int = Field(1_000_000, ge=1, description="largest message; larger: 413")
    max_reply_chars: int = Field(4_000_000, ge=1, description="a longer reply is ended, with what came kept")
    max_generations: int = Field(2000, ge=1, description="replies generated at once; more: 503")
    journal_tick_ms: int = Field(
        40, ge=0, le=1000, description="least time between two commits of what running replies produced"
    )
    journal_keep_hours: int = Field(
        24, ge=1, description="how long a finished reply can be replayed event by event"
    )
    drain_seconds: float = Field(
        8.0, ge=0, description="how long a stopping server lets running replies finish"
    )
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY"),
        description="key of an OpenAI-compatible provider, connected by itself",
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL"),
        description="address of an OpenAI-compatible provider; default: OpenAI's own",
    )
    default_model: str | None = Field(
        None, description="model of new conversations; default: the first chat model on offer"
    )
    discover: bool = Field(
        True, description="look for Ollama, llama.cpp, LM Studio and vLLM on this machine at start"
    )
    log_format: Literal["console", "json"] = Field("console", description="how the log is written")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="what is logged")

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(item.strip() for item in value.split(",") if item.strip())

    @field_validator("secret_key")
    @classmethod
    def _usable_secret(cls, value: SecretStr | None) -> SecretStr | None:
        for part in _parts(value):
            try:
                usable = len(base64.urlsafe_b64decode(part)) == 32
            except ValueError:
                usable = False
            if not usable:
                raise ValueError("must be 32 bytes in base64, as `openssl rand -base64 32` makes them")
        return value

    @property
    def resolved_database_url(self) -> str:
        """The database's URL, whatever was said or not said about it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.expanduser().absolute() / DEFAULT_DATABASE}"


def secret_keys(config: Config) -> tuple[str, ...]:
    """The configured secret keys, in URL-safe base64; none where the key file is to be used."""
    return _parts(config.secret_key)


def _parts(value: SecretStr | None) -> tuple[str, ...]:
    text = value.get_secret_value() if value else ""
    return tuple(part.strip().replace("+", "-").replace("/", "_") for part in text.split(",") if part.strip())
