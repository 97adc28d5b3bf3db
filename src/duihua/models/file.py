"""Files: what is known of each; the bytes are in the file storage, under the uuid."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime


class File(Base):
    """An uploaded file. While `incoming` its bytes may be incomplete, and nobody sees it."""

    __tablename__ = "files"
    __table_args__ = (Index("ix_files_status", "status", "created_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    # What a model is shown of a document; a picture has none.
    plain_text: Mapped[str | None] = mapped_column(Text, deferred=True)
    character_count: Mapped[int | None] = mapped_column()
    is_cut: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    status: Mapped[str] = mapped_column(String(20), default="incoming", server_default="incoming")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
