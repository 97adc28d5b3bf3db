"""What every test stands on: no network beyond this machine, no configuration but its own."""

import os
import sys
from typing import Any

pytest_plugins = ["tests.fixtures.database", "tests.fixtures.server", "tests.fixtures.watched_database"]

# The tests' configuration is what they say themselves, not what the developer's shell or `.env` says.
for _name in [name for name in os.environ if name.startswith(("DUIHUA_", "OPENAI_"))]:
    if not _name.startswith("DUIHUA_TEST_"):
        del os.environ[_name]
for _name in ("DATABASE_URL", "REDIS_URL", "PORT"):
    os.environ.pop(_name, None)

_HERE = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::"}


def _refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578): a test that would leave this machine fails, whatever library it uses."""
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in _HERE:
            raise RuntimeError(f"a test tried to reach {address}")
    elif event == "socket.getaddrinfo" and arguments[0] not in {*_HERE, None, ""}:
        raise RuntimeError(f"a test tried to resolve {arguments[0]}")


sys.addaudithook(_refuse_the_network)
