"""Files beside a message, in the words of a prompt."""

from duihua.providers.base import PromptMessage


def with_documents(message: PromptMessage, *, pictures: bool = True) -> str:
    """The message's text after that of its documents; what is not shown is named.

    Without `pictures` they are named too, so that a model without eyes knows of them.
    """
    parts = []
    for file in message.attachments:
        if file.text is not None:
            cut = ' truncated="true"' if file.is_cut else ""
            parts.append(f'<document name="{file.name}"{cut}>\n{file.text}\n</document>')
        elif file.read is None or not pictures:
            parts.append(f'<picture name="{file.name}" shown="false"/>')
    return "\n\n".join([*parts, message.content] if message.content else parts)
