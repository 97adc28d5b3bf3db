"""When to ask again: a provider says it, and the reply that failed keeps it."""

from datetime import datetime, timedelta

from tests.fixtures.server import StartServer
from tests.fixtures.upstream import answer, reply
from tests.generation.asking import MODEL, scripted


async def test_a_refused_reply_says_when_to_ask_again(start_server: StartServer) -> None:
    refusal = answer(429, {"error": {"message": "slow down"}}, Retry_After="30")
    async with scripted(start_server, refusal, reply("好")) as server:
        chat_id, events = await server.reply()
        assert events[-1].data["error"] == "provider_rate_limited"
        failed = (await server.client.messages(chat_id))[-1]
        wait = datetime.fromisoformat(failed["retry_at"]) - datetime.fromisoformat(failed["updated_at"])
        assert wait == timedelta(seconds=30)
        details = failed["error_details"]
        assert (details["upstream_status"], details["reason"]) == (429, "HTTP 429: slow down")
        assert details["model"] == MODEL
        await server.client.post(
            "/chat/messages/regenerate", {"chat_id": chat_id, "message_id": failed["uuid"]}
        )
        answered = (await server.client.messages(chat_id))[-1]
        assert (answered["retry_at"], answered["error_details"]) == (None, None)
