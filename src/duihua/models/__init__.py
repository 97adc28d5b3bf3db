"""The tables. Importing this package registers all of them."""

from duihua.models.chat_group import ChatGroup
from duihua.models.connection import Connection, ConnectionModel
from duihua.models.conversation import Conversation
from duihua.models.file import File
from duihua.models.generation import Generation, GenerationEvent
from duihua.models.idempotency import IdempotencyKey
from duihua.models.import_task import ImportTask
from duihua.models.message import Message, MessageRevision
from duihua.models.prompt import Prompt
from duihua.models.search import ConversationDocument, MessageDocument, SearchIndex
from duihua.models.share import Share
from duihua.models.tally import Tally, UsageTally
from duihua.models.user import Change, User, UserSettings

__all__ = [
    "Change",
    "ChatGroup",
    "Connection",
    "ConnectionModel",
    "Conversation",
    "ConversationDocument",
    "File",
    "Generation",
    "GenerationEvent",
    "IdempotencyKey",
    "ImportTask",
    "Message",
    "MessageDocument",
    "MessageRevision",
    "Prompt",
    "SearchIndex",
    "Share",
    "Tally",
    "UsageTally",
    "User",
    "UserSettings",
]
