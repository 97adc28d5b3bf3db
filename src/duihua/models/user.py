"""Users: whoever owns rows."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime

# Without accounts, every request acts as this one.
LOCAL_USER_ID = 1


class User(Base):
    """A person. Until accounts come there is one, the local user."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
