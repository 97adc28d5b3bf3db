"""What can be done with prompts: units of work for `Database.read` and `Database.write`."""

from collections.abc import Sequence
from typing import Any

from duihua.core.clock import now
from duihua.core.i18n import Language
from duihua.core.pagination import page_of
from duihua.db.session import Session
from duihua.models import Prompt
from duihua.prompts import access, filling, repository
from duihua.prompts.filling import Scalar
from duihua.schemas import outgoing
from duihua.schemas.prompt import PromptCreate, PromptQuery, PromptUpdate
from duihua.vocabulary import RowStatus

_LONGEST_TITLE = 255
_COPY = {"zh": "（副本）", "en": " (copy)"}
# What an explicit null turns a field into; the others become null.
_CLEARED = {"tags": [], "is_public": False, "sort": 0}


def listing(session: Session, user_id: int, query: PromptQuery) -> dict[str, Any]:
    """One page of prompts. Raises InvalidInput for a forged cursor."""
    return page_of(repository.page(session, user_id, query), _present, query, array="items")


def one(session: Session, user_id: int, prompt_id: int) -> dict[str, Any]:
    """One prompt. Raises PromptNotFound."""
    return _present(access.owned(session, user_id, prompt_id))


def create(session: Session, user_id: int, new: PromptCreate) -> dict[str, Any]:
    """Create a prompt; its wire form."""
    return _present(_add(session, user_id, **new.model_dump()))


def change(session: Session, user_id: int, wanted: PromptUpdate) -> dict[str, Any]:
    """Change the named fields; an explicit null clears. Raises PromptNotFound."""
    prompt = access.owned(session, user_id, wanted.id, lock=True)
    for field, value in wanted.model_dump(exclude={"id"}, exclude_unset=True).items():
        setattr(prompt, field, _CLEARED.get(field) if value is None else value)
    prompt.updated_at = now()
    session.flush()
    return _present(prompt)


def copy(session: Session, user_id: int, prompt_id: int, language: Language) -> dict[str, Any]:
    """A second prompt with the same text, under a title that says so. Raises PromptNotFound."""
    original = access.owned(session, user_id, prompt_id)
    suffix = _COPY[language]
    fields = ("category", "content", "description", "tags", "variables", "config", "sort")
    copied = {field: getattr(original, field) for field in fields}
    title = original.title[: _LONGEST_TITLE - len(suffix)] + suffix
    return _present(_add(session, user_id, title=title, is_public=False, **copied))


def delete(session: Session, user_id: int, prompt_id: int) -> None:
    """Hide a prompt: conversations stop using it. Raises PromptNotFound."""
    prompt = access.owned(session, user_id, prompt_id, lock=True)
    repository.mark_deleted(session, user_id, [prompt.id])


def delete_many(session: Session, user_id: int, ids: Sequence[int]) -> dict[str, Any]:
    """Hide those that exist; the report."""
    deleted = set(repository.mark_deleted(session, user_id, ids))
    return {
        "deleted": len(deleted),
        "missing": [row_id for row_id in dict.fromkeys(ids) if row_id not in deleted],
    }


def tags(session: Session, user_id: int) -> list[str]:
    """The tags of the user's prompts, the most used first."""
    return repository.tags_of(session, user_id)


def system_text(session: Session, user_id: int, prompt_id: int, values: dict[str, Scalar]) -> str | None:
    """A prompt's text, filled with `values` over its own defaults; None where it is deleted.

    Raises:
        PromptTooLong.
    """
    prompt = repository.find(session, user_id, prompt_id)
    if prompt is None:
        return None
    given = {name: value for name, value in values.items() if value is not None}
    return filling.fill(prompt.content, filling.defaults(prompt.variables) | given)


def _add(session: Session, user_id: int, **fields: Any) -> Prompt:
    moment = now()
    prompt = Prompt(user_id=user_id, status=RowStatus.ACTIVE, created_at=moment, updated_at=moment, **fields)
    session.add(prompt)
    session.flush()
    return prompt


def _present(row: Prompt) -> dict[str, Any]:
    return outgoing.prompt(row, filling.names_in(row.content))
