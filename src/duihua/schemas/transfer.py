"""Export and import on the wire."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field, StrictBool, field_validator, model_validator

from duihua.schemas.base import QueryModel, Reference, RowId, WireModel
from duihua.vocabulary import Duplicates

ExportFormat = Literal["json", "markdown", "txt", "html"]
_BRANCHES = (
    "true: every version; false: what is shown, without earlier texts; default: json has every version"
)
_ATTACHMENTS = "false: the contents of files are left out of json, and their names stay"


class ExportOptions(WireModel):
    """How conversations are written."""

    format: ExportFormat = Field(
        "json",
        description="json: everything, to be imported; markdown, txt, html: the shown branch, to be read",
    )
    include_system_messages: StrictBool = True
    branches: StrictBool | None = Field(None, description=_BRANCHES)
    attachments: StrictBool = Field(True, description=_ATTACHMENTS)


class ExportRequest(ExportOptions):
    """One conversation as a file."""

    chat_id: Reference


class BatchExportRequest(ExportOptions):
    """Several conversations as a zip."""

    chat_ids: list[Reference] = Field(default=[], max_length=10_000)
    all: StrictBool = Field(False, description="every conversation; `chat_ids` must be empty then")

    @model_validator(mode="after")
    def _some_or_all(self) -> Self:
        if self.all == bool(self.chat_ids):
            raise ValueError("give either chat_ids or all: true")
        return self


class EveryExportQuery(QueryModel):
    """How all conversations are written: the same options, for a link."""

    format: ExportFormat = "json"
    include_system_messages: bool = True
    branches: bool | None = Field(None, description=_BRANCHES)
    attachments: bool = Field(True, description=_ATTACHMENTS)


class ChosenExportForm(WireModel):
    """The conversations of a form, and how they are written."""

    format: ExportFormat = "json"
    include_system_messages: bool = True
    branches: bool | None = None
    attachments: bool = True
    # Separated by commas.
    chat_ids: list[Reference] = Field(min_length=1, max_length=10_000)

    @field_validator("chat_ids", mode="before")
    @classmethod
    def _each(cls, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value


class ImportQuery(QueryModel):
    """Where imported conversations go, and who waits for them."""

    in_background: bool = Field(
        False, alias="async", description="answer at once with a task to follow, and import meanwhile"
    )
    group_id: RowId | None = Field(None, description="default: the group of the archive's name, or a new one")
    duplicates: Duplicates = Field(
        Duplicates.SKIP,
        description="conversations that are there already: skip them, update: add the messages "
        "that they lack, copy: import them once more",
    )
    dry_run: bool = Field(False, description="change nothing, and report what the import would do")


class ImportedConversation(BaseModel):
    """A conversation that an import added."""

    uuid: str
    title: str
    message_count: int = Field(description="messages of the shown branch")
    added: int = Field(description="messages that the import added, on every branch")
    is_new: bool = Field(description="false: it was there and was updated")


class ImportProblem(BaseModel):
    """Why a conversation was skipped or could not be read."""

    place: str = Field(description="the file within the archive, the line, or both", examples=["a.json"])
    title: str | None
    error: str = Field(description="stable, for machines", examples=["already_imported"])
    message: str = Field(description="the same in words")


class ImportReport(BaseModel):
    """What an import did; `imported` + `updated` + `skipped` + `failed` are all that the file held."""

    imported: int
    updated: int = Field(description="those that were there and lacked messages; only with duplicates=update")
    skipped: int = Field(description="those that were there already")
    failed: int
    formats: list[str] = Field(description="whose they are", examples=[["duihua"], ["chatgpt"]])
    conversations: list[ImportedConversation] = Field(
        description="the first 1000 of those imported or updated"
    )
    errors: list[ImportProblem] = Field(description="the first 1000 of those skipped or failed")


class ImportTaskResponse(BaseModel):
    """An import that has begun."""

    task_id: str = Field(description="for `GET /chat/import/{task_id}`")
