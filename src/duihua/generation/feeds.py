"""Following a generation: what it has committed so far, then what it commits next.

All followers of one generation share one list of frames; each has only its own place in it. So a slow
client costs no memory: it is behind, and one that takes nothing for too long loses its connection
(`duihua.http.connection`) and may resume.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from weakref import WeakValueDictionary

from duihua.realtime.bus import Bus, Committed, Notice

PING_SECONDS = 15.0
# Longer than a request may take from finding a feed to following it.
UNREAD_SECONDS = 60.0
_PING = b": ping\n\n"
# Of what a client is behind, so much is put together at once. A longer frame goes as it is: the last one has
# the whole reply, and a copy for each client would be most of what they cost.
_PIECE_BYTES = 8 * 1024


class Feed:
    """The committed frames of one generation, numbered from 1, and those who wait for more.

    `owner` names the other process whose run it is; None: this one's own. Where it has `ended` there comes
    no more of it here; it `is_whole` if nothing is missing then.
    """

    __slots__ = (
        "__weakref__",
        "_waiting",
        "ended",
        "frames",
        "is_whole",
        "owner",
        "unread_since",
        "woken_at",
    )

    def __init__(
        self, frames: Sequence[bytes] = (), *, ended: bool = False, owner: str | None = None
    ) -> None:
        self.frames = list(frames)
        self.ended = self.is_whole = ended
        self.owner = owner
        self.unread_since: float | None = None
        self.woken_at = 0.0
        self._waiting: list[asyncio.Future[None]] = []

    def extend(self, first_seq: int, frames: Sequence[bytes], *, ended: bool) -> None:
        """Take in committed frames; those already here are skipped.

        Nothing is ever shown beyond a gap: the feed ends there, and its readers come back to the journal.
        """
        known = len(self.frames) + 1 - first_seq
        if known >= 0:
            self.frames.extend(frames[known:])
            self.is_whole = self.is_whole or ended
        self.ended = self.ended or ended or known < 0
        self.wake()

    def wake(self) -> None:
        """Let everybody look."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for more."""
        return bool(self._waiting)

    def changed(self) -> asyncio.Future[None]:
        """Resolves when somebody should look again."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future


class Follower:
    """One reader of a feed: an iterator over pieces to send, with pings where nothing else comes."""

    __slots__ = ("_closed", "_seq", "feed")

    def __init__(self, feed: Feed, after: int) -> None:
        self.feed = feed
        self._seq = after
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Itself."""
        return self

    async def __anext__(self) -> bytes:
        """The frames that are there beyond the last ones, as far as they make a piece, or a ping."""
        feed = self.feed
        for has_waited in (False, True):
            if self._seq < len(feed.frames):
                return self._take()
            if feed.ended or self._closed:
                raise StopAsyncIteration
            if not has_waited:
                await feed.changed()
        return _PING

    def close(self) -> None:
        """End the iteration: the client is gone."""
        self._closed = True
        self.feed.wake()

    def _take(self) -> bytes:
        frames, first = self.feed.frames, self._seq
        self._seq, size = first + 1, len(frames[first])
        while self._seq < len(frames) and (size := size + len(frames[self._seq])) <= _PIECE_BYTES:
            self._seq += 1
        return frames[first] if self._seq == first + 1 else b"".join(frames[first : self._seq])


class Feeds:
    """The feeds of this process: those of its own runs are fed by the bus, the others by `Watch`."""

    def __init__(self, bus: Bus) -> None:
        self._feeds: dict[int, Feed] = {}
        # Those that somebody still reads: who joins reads the same.
        self._whole: WeakValueDictionary[int, Feed] = WeakValueDictionary()
        self._followers: set[Follower] = set()
        bus.subscribe(Committed, self._committed)

    def get(self, generation_id: int) -> Feed | None:
        """The feed of a generation, if this process has it: it is running, or somebody reads it still."""
        return self._feeds.get(generation_id) or self._whole.get(generation_id)

    def open(self, generation_id: int, frames: Sequence[bytes], *, owner: str | None = None) -> Feed:
        """The feed of a generation that is running, with `frames` as its first.

        A request with the same key may have opened one just before the run that it asks for begins here.
        """
        feed = self._feeds.setdefault(generation_id, Feed())
        feed.owner = owner
        if len(frames) > len(feed.frames):
            feed.extend(1, frames, ended=False)
        return feed

    def whole(self, generation_id: int, frames: Sequence[bytes]) -> Feed:
        """The feed of a generation that has ended with these `frames`."""
        return self._whole.setdefault(generation_id, Feed(frames, ended=True))

    @property
    def elsewhere(self) -> Mapping[int, Feed]:
        """The feeds of runs of other processes."""
        return {number: feed for number, feed in self._feeds.items() if feed.owner is not None}

    def take(self, generation_id: int, first_seq: int, frames: Sequence[bytes], *, ended: bool) -> None:
        """Committed events; nothing where nobody here is interested in that generation."""
        feed = self._feeds.get(generation_id)
        if feed is None:
            return
        feed.woken_at = asyncio.get_running_loop().time()
        feed.extend(first_seq, frames, ended=ended)
        self._let_go_if_ended(generation_id, feed)

    def drop_unread(self) -> None:
        """Close the feeds from elsewhere that nobody has read for a while; to be called now and then."""
        time = asyncio.get_running_loop().time()
        followed = {id(follower.feed) for follower in self._followers}
        for number, feed in self.elsewhere.items():
            if id(feed) in followed or feed.is_awaited:
                feed.unread_since = None
            elif feed.unread_since is None:
                feed.unread_since = time
            elif time - feed.unread_since >= UNREAD_SECONDS:
                self._close(number, feed)

    def close_elsewhere(self) -> None:
        """Send those who follow other processes' runs to another server: this one is stopping."""
        for number, feed in self.elsewhere.items():
            self._close(number, feed)

    def close(self, generation_id: int) -> None:
        """Nothing more will be told here of a run that goes on, as far as anybody knows."""
        if feed := self._feeds.get(generation_id):
            self._close(generation_id, feed)

    def _close(self, generation_id: int, feed: Feed) -> None:
        feed.ended = True
        feed.wake()
        self._let_go_if_ended(generation_id, feed)

    def catch_up(self, generation_id: int, feed: Feed, frames: Sequence[bytes], *, ended: bool) -> None:
        """Give an open feed what was read of the journal after it was opened."""
        if ended or len(frames) > len(feed.frames):
            feed.extend(1, frames, ended=ended)
        self._let_go_if_ended(generation_id, feed)

    def _let_go_if_ended(self, generation_id: int, feed: Feed) -> None:
        if not feed.ended:
            return
        if self._feeds.get(generation_id) is feed:
            del self._feeds[generation_id]
        if feed.is_whole:
            self._whole[generation_id] = feed

    @property
    def followed(self) -> int:
        """How many read a feed here."""
        return len(self._followers)

    def follow(self, feed: Feed, after: int) -> Follower:
        """Read `feed` from event `after` + 1."""
        follower = Follower(feed, after)
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """The reader is done."""
        self._followers.discard(follower)

    async def keep_alive(self) -> None:
        """Once a second: ping where nothing came for 15 s."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            self._beat(loop.time())

    def _beat(self, time: float) -> None:
        for feed in self._feeds.values():
            if time - feed.woken_at >= PING_SECONDS:
                feed.woken_at = time
                feed.wake()

    def _committed(self, notice: Notice) -> None:
        assert isinstance(notice, Committed)
        self.take(notice.generation_id, notice.first_seq, notice.frames, ended=notice.ended)
