"""Conversations as HTML pages: one file that needs nothing else, and asks for nothing."""

from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from duihua.core.i18n import translate
from duihua.transfer import rendering
from duihua.transfer.archive import ArchivedConversation, ArchivedMessage
from duihua.transfer.rendering import Reader, Version
from duihua.vocabulary import Role

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# Whoever opens the file is told by nobody who reads it: no script, no picture from elsewhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; font: 16px/1.75 system-ui, sans-serif;
  background: light-dark(#fcfbf9, #1a1a1b); color: light-dark(#22211f, #e8e6e1); overflow-wrap: break-word; }
header p, h2, summary { color: light-dark(#5d5a53, #b0ada6); font-size: 14px; font-weight: 500; }
article { margin-top: 2rem; }
.user > div { padding: .6rem 1rem; border-radius: 12px; background: light-dark(#f2f0eb, #242425);
  white-space: pre-wrap; }
pre { padding: .8rem 1rem; border-radius: 8px; overflow-x: auto; background: light-dark(#f2f0eb, #222223); }
code { font: .88em/1.6 ui-monospace, monospace; }
table { border-collapse: collapse; }
th, td { padding: .4em .8em; border: 1px solid light-dark(#e5e1d8, #343435); }
blockquote { margin-inline: 0; padding-inline-start: 1em;
  border-inline-start: 3px solid light-dark(#e5e1d8, #343435); }
a { color: light-dark(#a63c28, #ee9a85); }
img { display: block; max-width: 100%; max-height: 32rem; border-radius: 8px; }
@media print { article { break-inside: avoid-page; } }
"""


def head(conversation: ArchivedConversation, reader: Reader) -> str:
    """The page up to its first message."""
    title = escape(rendering.one_line(conversation.title))
    described = f"<p>{escape(conversation.description)}</p>" if conversation.description else ""
    language = "zh-CN" if reader.language == "zh" else "en"
    # Who shows pictures sends the page with a policy that says from where.
    policy = f'<meta http-equiv="content-security-policy" content="{_POLICY}">\n'
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f"{policy if reader.picture is rendering.unseen else ''}"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{title}</h1><p>{escape(rendering.span(conversation, reader))}</p>{described}</header>\n"
    )


def message(message: ArchivedMessage, reader: Reader, version: Version = None) -> str:
    """A message under a heading that says who spoke and when; only a model's words are Markdown."""
    parts = [f"<h2>{escape(' · '.join(rendering.speaker(message, reader, version)))}</h2>"]
    if message.reasoning:
        summary = escape(translate("export_reasoning", reader.language))
        thoughts = _markdown().render(message.reasoning)
        parts.append(f"<details><summary>{summary}</summary>\n{thoughts}</details>")
    is_user = message.role == Role.USER
    text = escape(message.content) if is_user else _markdown().render(message.content)
    parts += [f"<div>{text}</div>"] if text else []
    parts += [_file(file, reader) for file in message.files if rendering.file_names([file])]
    parts += [f"<p><em>{escape(note)}</em></p>" for note in rendering.notes(message, reader)]
    return f'<article class="{escape(message.role)}">\n' + "\n".join(parts) + "\n</article>\n"


def _file(file: Any, reader: Reader) -> str:
    name, address = escape(str(file["name"])), reader.picture(file)
    if address is None:
        return f"<p>📎 {name}</p>"
    return f'<p><img src="{escape(address)}" alt="{name}" title="{name}" loading="lazy"></p>'


@cache
def _markdown() -> "MarkdownIt":
    """Raw HTML is text, only harmless addresses are links, a picture is the link to it."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
