"""Widgets of a batch: they follow all of its jobs, and open what people want to see."""

from typing import Any

import anywidget

from comfy_widgets.batch import Batch, Item
from comfy_widgets.errors import InputFileError
from comfy_widgets.host import host, makes_widgets_later, title
from comfy_widgets.jobs import Job
from comfy_widgets.widgets.base import Face
from comfy_widgets.widgets.batch_state import batch_state, item_state, seen_of
from comfy_widgets.widgets.compare import Compare
from comfy_widgets.widgets.job_view import JobView
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.requests import Request
from comfy_widgets.widgets.video_player import VideoPlayer


class BatchFace(Face):
    """A widget that shows a batch.

    The state is told whole once, and from then on what differs, since a batch may have hundreds of items. What is
    opened is a widget of its own, made when it is asked for: a saved notebook holds no player that nobody looks at.

    Parameters
    ----------
    batch
        What is shown; several widgets may show the same one.
    """

    stage = anywidget.WidgetTrait().tag(sync=True)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._opened: list[int] = []
        self._seen = [seen_of(item) for item in batch.items]
        self._items = [item_state(item) for item in batch.items]
        super().__init__(batch.loop)
        self._shelve()
        self._acts |= {"open": self._open, "stop": self._stop, "again": self._again}
        self._unsubscribe = batch.subscribe(self.changed)

    @property
    def title(self) -> str:
        """What people call the batch."""
        return f"{len(self.batch)} shot{'' if len(self.batch) == 1 else 's'}"

    def snapshot(self) -> dict[str, Any]:
        """The whole batch."""
        around = {"title": self.title, "opened": self._opened, **batch_state(self.batch)}
        return around | {"items": list(self._items)}

    def static_html(self) -> str:
        """What is asked for, for readers without a kernel."""
        return self.batch.static_html()

    def push(self) -> None:
        """Tell the browser what differs from what it was told before."""
        if self.comm is None:
            return
        items, before = self._look(), self._latest
        self._keep_up()
        after = self._compose()
        apart = {"items", "seq"}
        delta = {name: now for name, now in after.items() if name not in apart and before.get(name) != now}
        if items:
            delta["items"] = items
        if delta:
            self._seq += 1
            self._latest = after | {"seq": self._seq}
            self.send({"seq": self._seq, "delta": delta})

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The traits; a page that is reloaded finds the present state in them."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        return state | {"state": self._latest} if "state" in state else state

    def close(self) -> None:
        """Let go of the batch and of what is open; what is being made goes on."""
        if self.stage is not None:
            self.stage.close()
        super().close()

    def _look(self) -> dict[str, dict[str, Any]]:
        """The fields of each item that are others than before."""
        changes: dict[str, dict[str, Any]] = {}
        for place, item in enumerate(self.batch.items):
            seen, before = seen_of(item), self._seen[place]
            if all(old is new for old, new in zip(before, seen, strict=True)):
                continue
            known, now = self._items[place], item_state(item)
            self._seen[place], self._items[place] = seen, now
            if differing := {name: value for name, value in now.items() if known[name] != value}:
                changes[str(place)] = differing
        if any("take" in change for change in changes.values()):
            self._shelve()
        return changes

    def _keep_up(self) -> None:
        """Let a job that is open give way to the one that was asked for in its place."""
        if isinstance(self.stage, _Coming):
            job = self.stage.item.job
            if job is not None and job is not self.stage.job:
                self.stage.follow(job)

    def _shelve(self) -> None:
        """Let the browser ask for the takes that are shown, and for no other file."""
        self._shelf = Shelf(item.take for item in self.batch.items if item.take is not None)

    def _asked(self, request: Request) -> list[Item]:
        places = request.body.get("items")
        count = len(self.batch.items)
        if not isinstance(places, list) or not all(type(at) is int and 0 <= at < count for at in places):
            raise InputFileError("This is not shown here any more.", hint="Run the cell again.")
        return [self.batch.items[at] for at in places]

    def _open(self, request: Request) -> None:
        """Show some of it in a player, side by side, or as it comes; nothing closes what is open."""
        items, before = self._asked(request), self.stage
        self.stage = self._staged(items) if items else None
        self._opened = [self.batch.items.index(item) for item in items]
        if before is not None:
            before.close()
        self.changed()

    def _staged(self, items: list[Item]) -> Face:
        if not makes_widgets_later(host()):
            raise InputFileError(
                f"In {title(host())} widgets are made by cells only.",
                hint="In a cell: cw.VideoPlayer(take), or cw.Compare(take_a, take_b).",
            )
        takes = [item.take for item in items if item.take is not None]
        if len(items) > 1:
            return Compare(*takes)
        if takes:
            return VideoPlayer(takes[0])
        if items[0].job is None:
            raise InputFileError(f"{items[0].label} has no take yet.")
        return _Coming(self.batch, items[0], items[0].job)

    def _stop(self, request: Request) -> None:
        items = self._asked(request) if "items" in request.body else []
        self.batch.cancel(*items, rest=request.body.get("rest") is True)

    def _again(self, request: Request) -> None:
        self.batch.resubmit(*(self._asked(request) if "items" in request.body else []))


class _Coming(JobView):
    """One of a batch as it comes; the batch asks for it again, so that it knows of the new job."""

    def __init__(self, batch: Batch, item: Item, job: Job) -> None:
        self.batch, self.item = batch, item
        super().__init__(job)

    def _again(self, _request: Request) -> None:
        self._offered("again")
        self.batch.resubmit(self.item)
