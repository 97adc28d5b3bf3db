"""What a provider says of an end, and no column takes: the reply is complete all the same."""

import json
from typing import Any

from tests.fixtures.server import StartServer
from tests.fixtures.upstream import delta, head
from tests.generation.asking import scripted
from tests.generation.laws import lawful, stored


def last(reason: str, **more: Any) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], **more}
    return b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n"


async def test_a_reason_is_cut_to_what_is_kept_of_it(start_server: StartServer) -> None:
    async with scripted(start_server, [head() + delta("说完了"), last("理由" * 40)]) as it:
        chat_id, events = await it.reply()
        assert lawful(events)["type"] == "complete"
        reply = await stored(it.client, chat_id, events)
        assert (reply["state"], reply["finish_reason"]) == ("complete", "理由" * 25)


async def test_counts_stop_at_the_largest_also_with_those_of_what_was_continued(
    start_server: StartServer,
) -> None:
    counts = {"prompt_tokens": 2**40, "completion_tokens": 2**31 - 1, "total_tokens": 2**41}
    begun = [head() + delta("一半"), last("length")]
    rest = [head() + delta("另一半"), last("stop", usage=counts)]
    async with scripted(start_server, begun, rest) as it:
        chat_id, events = await it.reply()
        wanted = {"message_id": events[-1].data["message_id"], "continue_reply": True, "stream": True}
        events = await it.client.stream("/chat/messages/regenerate", {"chat_id": chat_id, **wanted})
        assert lawful(events)["type"] == "complete"
        reply = await stored(it.client, chat_id, events)
        assert (reply["state"], reply["content"], reply["token_count"]) == (
            "complete",
            "一半另一半",
            2**31 - 1,
        )
