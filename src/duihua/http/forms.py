"""The fields of a form, as a browser posts it: what it answers, the browser writes to the disk by itself."""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from duihua.core.errors import InvalidInput, UnsupportedMediaType
from duihua.core.i18n import messages_of

M = TypeVar("M", bound=BaseModel)
_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20_000


class FormExpected(UnsupportedMediaType):
    """The route takes a form."""

    code = "form_expected"


messages_of({"form_expected": (f"请以 {_TYPE} 提交表单", f"Send a form, as {_TYPE}")})


def body(properties: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    """What `/docs` says of it."""
    schema = {"type": "object", "required": required, "properties": properties}
    return {"requestBody": {"required": True, "content": {_TYPE: {"schema": schema}}}}


async def read(request: Request, model: type[M]) -> M:
    """The form of the request.

    Raises:
        FormExpected, InvalidInput, RequestValidationError, and TooLarge.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise FormExpected
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidInput(field="body", reason="is not a valid form in UTF-8") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        # Of several boxes that were ticked under one name, a list.
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(found) from error
