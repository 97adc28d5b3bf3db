"""The tables as the first revision leaves them, frozen: later changes of the models do not reach back here.

Each area adds its tables to the one METADATA. A comment on a table or column is for `add_chat_models.sql`;
it is not stored in the database.
"""

from chat_models_0001 import accounts, archive, providers, running, search, tallies
from chat_models_0001.columns import METADATA

__all__ = ["METADATA", "accounts", "archive", "providers", "running", "search", "tallies"]
