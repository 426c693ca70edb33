"""The tracker: one socket and one looker for each server, feeding every live prompt of this process.

The socket is a hint and HTTP is the truth: either alone is enough, and a look reads the queue first, then history.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from comfy_widgets.comfyui import events
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.capabilities import Capabilities, Probed
from comfy_widgets.comfyui.classes import Classes
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.look import places, record
from comfy_widgets.comfyui.memory import Memory
from comfy_widgets.comfyui.replies import Unreadable
from comfy_widgets.comfyui.socket import Socket
from comfy_widgets.comfyui.status import Remote
from comfy_widgets.comfyui.stopping import stop
from comfy_widgets.comfyui.together import Together
from comfy_widgets.comfyui.tracked import News, Tracked, begin
from comfy_widgets.errors import ComfyWidgetsError, SilentTooLong

log = logging.getLogger(__name__)

LINGER_SECONDS = 20.0
SILENCE_SECONDS = 300.0
_SILENT_LOOKS = 3
_LOOK_SECONDS, _SILENT_LOOK_SECONDS, _LONGEST_LOOK_SECONDS, _PRICE = 1.0, 3.0, 15.0, 50
_LIVELY_SECONDS = 5.0
_RETRY_SECONDS = 0.2
_MUTE_SECONDS = 2.0
_STALL_SECONDS = 1.0
_SUPERVISOR_SECONDS = 1.0


class Tracker:
    """Follows prompts on one server, in one event loop.

    Parameters
    ----------
    address
        The server.

    Attributes
    ----------
    client
        HTTP to the server.
    classes
        Its node classes, once known.
    memory
        Its video memory.
    probed
        What it said of itself.
    """

    def __init__(self, address: Address) -> None:
        self.client = Client(address)
        self.classes = Classes(self.client)
        self.memory = Memory(self.client)
        self._prompts: dict[str, Tracked] = {}
        self._stopped = Together(self._look_at)
        self._due: set[str] = set()
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._socket = self._new_socket(_mint())
        self._task: asyncio.Task[None] | None = None
        self._look_began = self._look_ended = self._opened = self._stalled = self._answered = self._heard = _now()
        self._price = 0.0
        self._failed_looks = 0
        self._asked = False
        self.probed = Probed(self.client)

    @property
    def client_id(self) -> str:
        """Under which prompts are submitted, so that the socket hears of them."""
        return self._socket.client_id

    @property
    def socket_refused(self) -> str | None:
        """Why there is no socket, None while there is one or may be."""
        return self._socket.refused

    def follow(self, prompt_id: str, graph: Mapping[str, Any], tell: Callable[[News], None]) -> Tracked:
        """Begin to follow a prompt, others may do so too; it counts as submitted when `posted` is called for it."""
        tracked = self._prompts.get(prompt_id)
        if tracked is None or tracked.ended.done():
            tracked = self._prompts[prompt_id] = begin(prompt_id, graph, tell, _now())
        else:
            tracked.tells.append(tell)
            tell(tracked.news)
        self._begin()
        return tracked

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._answered = _now()
            self._task = asyncio.get_running_loop().create_task(self._supervise(), name="comfy_widgets tracker")

    def posted(self, tracked: Tracked) -> None:
        """Let absence count from now on: the server has been told of the prompt, or may have been."""
        tracked.posted_at = _now()
        self._ask()

    def leave(self, tracked: Tracked, tell: Callable[[News], None]) -> None:
        """Follow a prompt no longer; others may go on."""
        with suppress(ValueError):
            tracked.tells.remove(tell)
        if not tracked.tells and self._prompts.get(tracked.prompt_id) is tracked:
            del self._prompts[tracked.prompt_id]
            self._wake.set()

    async def ready(self, seconds: float) -> None:
        """Wait until the socket is open or known not to open, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        except TimeoutError:
            log.debug("The socket takes its time; looks are enough.")

    async def capabilities(self) -> Capabilities:
        """What the server said of itself; asked again when another may have taken its place."""
        return await self.probed.capabilities(watched=self._socket.open)

    async def find(self, prompt_id: str) -> bool:
        """Whether the server has a prompt, in its queue or in its history."""
        if prompt_id in places(await self.client.queue(), {prompt_id}):
            return True
        try:
            return await self.client.history(prompt_id) is not None
        except Unreadable:
            # There is a record: who follows it is told that it can't be read.
            return True

    async def cancel(self, tracked: Tracked) -> None:
        """Stop one prompt, and only this one; done when the server has no more to do for it."""
        await stop(self.client, tracked, self._stopped, lambda: self._price)

    async def close_if_idle(self) -> None:
        """Let go of the server at once, unless a prompt is followed or a file on its way."""
        if self._prompts or self.client.busy:
            return
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._prompts:
            # Somebody came while the socket was being closed.
            self._begin()
        elif not self.client.busy:
            await self.client.close()

    def _ask(self) -> None:
        """Let the next look come as soon as one is affordable."""
        self._asked = True
        self._wake.set()

    def _new_socket(self, client_id: str) -> Socket:
        return Socket(self.client, client_id, self._hear, self._socket_changed)

    async def _supervise(self) -> None:
        """Run until nothing has been followed for a while; whatever else ends it, begin again from a look."""
        while True:
            try:
                await self._run()
            except Exception:
                log.exception("The tracker broke and starts again")
                await asyncio.sleep(_SUPERVISOR_SECONDS)
            except KeyboardInterrupt:
                # An interrupt hits whatever runs; it was meant for the cell, and the cell's wait has its own.
                log.debug("An interrupt hit the tracker; it goes on")
            else:
                # Somebody may have come while the socket was being closed.
                if not self._prompts:
                    return

    async def _run(self) -> None:
        listener = asyncio.create_task(self._socket.run(), name="comfy_widgets socket")
        try:
            await self._look_on(listener)
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
            self._settled.clear()
            # Anything but an orderly end may have left the old socket open at the server.
            self._socket = self._new_socket(_mint())
            self.client.doubted = True
            if not self.client.busy:
                await self.client.close()

    async def _look_on(self, listener: asyncio.Task[None]) -> None:
        idle_since: float | None = None
        while True:
            if listener.done() and not listener.cancelled() and listener.exception():
                raise RuntimeError("the socket's task ended") from listener.exception()
            self._wake.clear()
            if self._prompts:
                idle_since = None
                await self._work()
            elif idle_since is None or self.client.busy:
                # A long download, or an upload before the next prompt, must not lose its connection.
                idle_since = _now()
            elif _now() - idle_since >= LINGER_SECONDS:
                return
            await self._pause(self._rest())

    def _rest(self) -> float:
        if not self._prompts:
            return LINGER_SECONDS
        # A record that was announced and is not there yet is there in a moment.
        longest = _RETRY_SECONDS if self._due else _SILENT_LOOK_SECONDS
        return max(0.0, min(self._until_look(), longest))

    async def _pause(self, seconds: float) -> None:
        began = _now()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        if _now() - began > seconds + _STALL_SECONDS:
            # The loop was blocked, not the server silent: what failed before says nothing now.
            self._stalled = self._answered = _now()
            self._failed_looks = 0

    def _until_look(self) -> float:
        """Seconds until the next look is due, by what looks cost and how much the socket can be relied on."""
        affordable = min(_LONGEST_LOOK_SECONDS, _PRICE * self._price)
        if self._asked:
            period = affordable
        elif self._socket.open and not self._failed_looks and not self._doubted():
            # A long silent node is no evidence against the socket, but no news either.
            lively = _now() - self._heard < _LIVELY_SECONDS
            period = _LONGEST_LOOK_SECONDS if lively else max(_SILENT_LOOK_SECONDS, affordable)
        else:
            period = max(_LOOK_SECONDS, affordable)
        return period - (_now() - self._look_ended)

    def _doubted(self) -> bool:
        """Whether something is open that the socket alone does not settle."""
        return any(
            tracked.absent_looks or tracked.waits_for_socket or tracked.news.remote is Remote.SUBMITTED
            for tracked in self._prompts.values()
        )

    async def _work(self) -> None:
        await self._read_due()
        if self._until_look() <= 0:
            await self._look()
            await self._judge_socket()

    async def _read_due(self) -> None:
        for prompt_id in list(self._due):
            tracked = self._prompts.get(prompt_id)
            try:
                if tracked is None or await self._read(tracked):
                    self._due.discard(prompt_id)
            except ComfyWidgetsError as error:
                log.debug("Reading the record of %s failed: %s", prompt_id, error)
                self._asked = True
                return

    async def _look(self) -> None:
        self._look_began, self._asked = _now(), False
        try:
            await self._look_at([tracked for tracked in self._prompts.values() if tracked.posted_at is not None])
        except ComfyWidgetsError as error:
            self._failed_looks += 1
            log.debug("A look at %s failed: %s", self.client.address, error)
            self._judge_silence(error)
        else:
            self._failed_looks = 0
            self._answered = _now()
        finally:
            self._look_ended = _now()
            self._price = self._look_ended - self._look_began

    async def _look_at(self, asked: list[Tracked]) -> None:
        """GET /queue, then GET /history for those that are not in it: the other order misses what moves meanwhile."""
        queue = await self.client.queue()
        found = places(queue, self._prompts)
        for tracked in asked:
            if tracked.prompt_id in found:
                before = tracked.news.remote
                tracked.see(found[tracked.prompt_id], _now())
                self._expect(tracked, before)
            elif not tracked.ended.done():
                await self._read(tracked)

    async def _read(self, tracked: Tracked) -> bool:
        before = tracked.news.remote
        try:
            entry = await self.client.history(tracked.prompt_id)
        except Unreadable as error:
            tracked.fail_to_read(error.what, _now())
            return tracked.ended.done()
        if entry is None:
            tracked.miss(_now())
            return tracked.ended.done()
        tracked.read(record(entry), _now())
        self._due.discard(tracked.prompt_id)
        self._expect(tracked, before)
        return True

    def _hear(self, event: events.Event) -> None:
        self._heard = _now()
        if isinstance(event, events.StatusChanged):
            self._ask()
            return
        tracked = self._prompts.get(event.prompt_id) if event.prompt_id else self._running()
        if tracked is None:
            return
        if isinstance(event, events.Over):
            tracked.told = Remote.SUCCEEDED
            self._due.add(tracked.prompt_id)
            self._wake.set()
        elif not tracked.news.over:
            tracked.hear(event, _now())

    def _running(self) -> Tracked | None:
        """Whose an event is that names no prompt: a server runs one at a time."""
        running = [tracked for tracked in self._prompts.values() if tracked.news.remote is Remote.RUNNING]
        return running[0] if len(running) == 1 else None

    def _socket_changed(self) -> None:
        # All but the first time since this began: a socket that was lost may have come back from another server.
        self.client.doubted |= self._settled.is_set()
        self._settled.set()
        if self._socket.open:
            self._opened = _now()
        self._wake.set()

    def _expect(self, tracked: Tracked, before: Remote) -> None:
        """After a look saw a change, expect the socket to tell it too, if it was open all the while."""
        now = tracked.news.remote
        heard_all = self._socket.open and self._opened < min(self._look_began, tracked.posted_at or 0.0)
        if heard_all and now is not before and now in {Remote.RUNNING, Remote.SUCCEEDED, Remote.FAILED}:
            tracked.waits_for_socket = (now, _now() + _MUTE_SECONDS)

    async def _judge_socket(self) -> None:
        """Reopen a socket that stayed mute about what a look saw; once, until a look sees more."""
        mute = False
        for tracked in self._prompts.values():
            if tracked.waits_for_socket is None:
                continue
            seen, deadline = tracked.waits_for_socket
            if tracked.told is seen or tracked.told.over:
                tracked.waits_for_socket = None
            elif _now() >= deadline and self._stalled < deadline - _MUTE_SECONDS:
                tracked.waits_for_socket, mute = None, True
        if mute:
            log.debug("The socket to %s is mute; opening another", self.client.address)
            await self._socket.reopen(_mint())

    def _judge_silence(self, error: ComfyWidgetsError) -> None:
        silent = _now() - max([self._answered, *(tracked.news.heard for tracked in self._prompts.values())])
        if silent < SILENCE_SECONDS or self._failed_looks < _SILENT_LOOKS:
            return
        for tracked in list(self._prompts.values()):
            if not tracked.ended.done():
                tracked.ended.set_exception(
                    SilentTooLong(
                        f"Nothing was heard of it for {silent / 60:.0f} minutes; the last look: {error.what}",
                        hint="When it is back: studio.resume(), or job.resubmit().",
                    )
                )


def _mint() -> str:
    return str(uuid.uuid4())


def _now() -> float:
    return asyncio.get_running_loop().time()


_trackers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], Tracker]] = WeakKeyDictionary()


def tracker_for(address: Address) -> Tracker:
    """The tracker of a server in the running loop: one, however many studios use it."""
    known = _trackers.setdefault(asyncio.get_running_loop(), {})
    # Two studios with different keys are different people to the server.
    identity = (address.url, repr(sorted(address.headers.items())))
    if identity not in known:
        known[identity] = Tracker(address)
    return known[identity]
