"""Runs of other processes, for those who follow them here: the journal is read when something may be new."""

from duihua.db.session import Database
from duihua.generation import journal_repository
from duihua.generation.feeds import Feed, Feeds
from duihua.realtime.bus import Bus, said_by
from duihua.realtime.looking import Looking
from duihua.schemas import stream

# How long a token may wait where no notice comes: Redis is away, or there is none.
POLL_SECONDS = 0.25
# So many runs are looked after by one query.
_READ_AT_ONCE = 64


class Watch:
    """Keeps the feeds of runs that are not this process's own up with the journal."""

    def __init__(self, db: Database, bus: Bus, feeds: Feeds) -> None:
        self._db, self._bus, self._feeds = db, bus, feeds
        self._looking = Looking(self._look, POLL_SECONDS)
        self._listening: set[str] = set()

    def open(self, generation_id: int, owner: str) -> Feed:
        """The feed of a run of `owner`, to be given what the journal has of it."""
        feed = self._feeds.open(generation_id, (), owner=owner)
        self._listen()
        return feed

    async def forever(self) -> None:
        """Look, for ever."""
        await self._looking.forever()

    def _listen(self) -> None:
        """Hear those whose runs are followed here, and nobody else."""
        owners = {feed.owner for feed in self._feeds.elsewhere.values() if feed.owner is not None}
        for owner in owners - self._listening:
            self._bus.listen(said_by(owner), self._looking.wake)
        for owner in self._listening - owners:
            self._bus.unlisten(said_by(owner))
        self._listening = owners

    async def _look(self, ids: set[int] | None) -> None:
        if ids is None:
            self._feeds.drop_unread()
        feeds = self._feeds.elsewhere
        places = {number: len(feed.frames) for number, feed in feeds.items() if ids is None or number in ids}
        numbers = list(places)
        for at in range(0, len(numbers), _READ_AT_ONCE):
            await self._read({number: places[number] for number in numbers[at : at + _READ_AT_ONCE]})
        self._listen()

    async def _read(self, places: dict[int, int]) -> None:
        for number, news in (await self._db.read(journal_repository.news, places)).items():
            frames = [
                stream.frame(seq, payload.encode())
                for seq, payload in enumerate(news.payloads, start=news.first_seq)
            ]
            if frames or news.ended:
                self._feeds.take(number, news.first_seq, frames, ended=news.ended)
