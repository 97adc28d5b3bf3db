"""The kinds of columns that the tables of the first revision are made of."""

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def row_id() -> sa.Column[int]:
    return sa.Column("id", BIG_ID, primary_key=True)


def owner(*, index: bool = False) -> sa.Column[int]:
    return sa.Column("user_id", BIG_ID, sa.ForeignKey("users.id"), nullable=False, index=index)


def moment(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def count(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False, comment=comment)


def flag(name: str, default: str = "false", comment: str | None = None) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text(default), nullable=False, comment=comment)


def word(name: str, default: str, comment: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(20), server_default=default, nullable=False, comment=comment)
