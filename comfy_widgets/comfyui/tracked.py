"""What is known about one prompt, and how each piece of news changes it (pure: the time is handed in)."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from comfy_widgets.comfyui import events
from comfy_widgets.comfyui.look import Failure, Place, Record
from comfy_widgets.comfyui.progress import Progress
from comfy_widgets.comfyui.replies import OutputFile, output_files
from comfy_widgets.comfyui.status import Remote, advance

# A prompt that is in neither queue nor history may be on its way between them: how long, and how often seen so.
GRACE_SECONDS = 10.0
GRACE_LOOKS = 3
# How long to wait for the record of a prompt of which the socket has told everything already.
TOLD_SECONDS = 3.0
# An answer 500 to one prompt's history means that its outputs can't be written as JSON: it will not get better.
_UNREADABLE_LOOKS = 3


@dataclass(frozen=True)
class News:
    """Everything known about a prompt.

    Attributes
    ----------
    remote
        What it is to the server.
    place
        Where it stands in the queue, None when not seen there.
    progress
        How far it is.
    record
        How it ended, once history has told.
    told_files
        Files that `executed` events named.
    refusal
        What the server answered instead of stopping it, None if it was not asked or does.
    source, heard
        Who told the latest, `socket` or `poll`, and when (seconds of the loop's clock).
    """

    remote: Remote
    progress: Progress
    place: Place | None = None
    record: Record | None = None
    told_files: tuple[OutputFile, ...] = ()
    refusal: str | None = None
    source: str = "poll"
    heard: float = 0.0

    @property
    def over(self) -> bool:
        """Whether the server has nothing more to do for it."""
        return self.remote.over


@dataclass(eq=False)
class Tracked:
    """One prompt of ours.

    Parameters
    ----------
    prompt_id
        Its id on the server.
    news
        What is known.
    tells
        Called with the news whenever they change: one for each who follows it.
    ended
        Done with the last news.

    Attributes
    ----------
    posted_at
        When the server was told of it, or may have been; None before: until then absence says nothing.
    cancelling
        Whether it is to be stopped.
    told
        What the socket alone has told.
    absent_since, absent_looks, unreadable
        Since when it is in neither queue nor history, in how many looks, and how often its record was unreadable.
    ending
        The end that the socket announced; history may lag behind it.
    waits_for_socket
        What a look saw that the socket should tell too, and until when.
    """

    prompt_id: str
    news: News
    tells: list[Callable[[News], None]]
    ended: asyncio.Future[News]
    posted_at: float | None = None
    cancelling: bool = False
    told: Remote = Remote.SUBMITTED
    absent_since: float | None = None
    absent_looks: int = 0
    unreadable: int = 0
    ending: str | None = None
    waits_for_socket: tuple[Remote, float] | None = field(default=None, repr=False)

    def hear(self, event: events.Event, now: float) -> None:
        """Take in an event of the socket."""
        files = self.news.told_files
        remote = Remote.RUNNING
        match event:
            case events.Executed(node=node, output=output):
                files = tuple(dict.fromkeys((*files, *output_files({node: output}))))
            case events.Ending(kind=kind):
                self.ending = kind
            case events.StatusChanged():
                return
        self.told = advance(self.told, remote)
        self._become(remote, now, "socket", progress=self.news.progress.after(event), told_files=files)

    def see(self, place: Place, now: float) -> None:
        """Take in that it is in the queue."""
        self.absent_since, self.absent_looks, self.unreadable = None, 0, 0
        # The queue of a look that began before the prompt ended must not bring it back.
        if not self.news.over or self.news.remote is Remote.GONE:
            self._become(place.remote, now, "poll", place=place)

    def read(self, record: Record, now: float) -> None:
        """Take in its history entry, which is final."""
        self._become(record.remote, now, "poll", record=record, place=None)

    def miss(self, now: float) -> None:
        """Take in that it is in neither queue nor history."""
        if self.posted_at is None or self.news.over:
            return
        if self.absent_since is None:
            self.absent_since = max(now, self.posted_at) if self.news.remote is Remote.SUBMITTED else now
        self.absent_looks += 1
        # A queued prompt that we deleted leaves no trace; one that ran leaves a record, if late.
        enough = 1 if self.cancelling and self.news.remote in {Remote.SUBMITTED, Remote.QUEUED} else GRACE_LOOKS
        told_all = self.ending == "execution_success" and bool(self.news.told_files)
        grace = 0.0 if self.cancelling else TOLD_SECONDS if told_all else GRACE_SECONDS
        if self.absent_looks < enough or now - self.absent_since < grace:
            return
        if told_all:
            # Somebody cleared the history before it could be read, but the socket has told all that matters.
            self.read(Record(Remote.SUCCEEDED, self.news.told_files), now)
        else:
            self._become(Remote.INTERRUPTED if self.cancelling else Remote.GONE, now, "poll", place=None)

    def fail_to_read(self, reason: str, now: float) -> None:
        """Take in that the server can't write down its record."""
        self.unreadable += 1
        if self.unreadable < _UNREADABLE_LOOKS:
            return
        if self.news.told_files:
            self.read(Record(Remote.SUCCEEDED, self.news.told_files), now)
        else:
            self.read(
                Record(Remote.FAILED, failure=Failure("", "", "", f"its record is unreadable ({reason})", ())), now
            )

    def refuse(self, answer: str | None) -> None:
        """Take in what the server says instead of stopping it; None when it will."""
        if answer != self.news.refusal and not self.news.over:
            self._change(refusal=answer)

    def _become(self, remote: Remote, now: float, source: str, **changes: Any) -> None:
        before = self.news
        known = advance(before.remote, remote)
        if known is not Remote.QUEUED:
            changes["place"] = None
        self._change(remote=known, source=source, heard=now, **changes)
        if self.news.over and not self.ended.done():
            self.ended.set_result(self.news)

    def _change(self, **changes: Any) -> None:
        self.news = replace(self.news, **changes)
        for tell in list(self.tells):
            tell(self.news)


def begin(prompt_id: str, graph: Mapping[str, Any], tell: Callable[[News], None], now: float) -> Tracked:
    """A prompt of which nothing is known yet; for the running loop."""
    news = News(Remote.SUBMITTED, Progress(graph), heard=now)
    return Tracked(prompt_id, news, [tell], asyncio.get_running_loop().create_future())
