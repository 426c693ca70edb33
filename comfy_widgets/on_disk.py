"""What is on disk already: looked for before anything is made, and all there is without a server."""

from contextlib import suppress

from comfy_widgets import refusals
from comfy_widgets.attempt import Attempt
from comfy_widgets.cache import TakeCache
from comfy_widgets.comfyui.replies import AnswerLost
from comfy_widgets.comfyui.server import Server
from comfy_widgets.comfyui.threads import in_thread
from comfy_widgets.comfyui.tracker import tracker_for
from comfy_widgets.errors import ComfyWidgetsError, DemoError, ServerError, ServerUnreachable
from comfy_widgets.jobs import Request
from comfy_widgets.outcomes import cancelled, missed
from comfy_widgets.submitting import patiently
from comfy_widgets.takes import Take

_UNREACHED = "the server can't be reached"


class OnDisk:
    """Finds takes in a folder for requests to a server.

    Parameters
    ----------
    server, cache
        Where it would be rendered, and where takes lie.
    offline
        Never ask the server.
    """

    def __init__(self, server: Server, cache: TakeCache, *, offline: bool) -> None:
        self.server = server
        self.cache = cache
        self.offline = offline

    async def known(self, request: Request) -> bool:
        """Whether a take for a request is on disk, so that asking for it costs the server nothing."""
        kinds = self._possible_kinds()
        if not self.offline and not self.server.renderer:
            with suppress(ServerError):
                kinds = [(await tracker_for(self.server.address).capabilities()).renderer]
        keys = [request.filled.key(kind) for kind in kinds]
        return any([await in_thread(self.cache.find, key) is not None for key in keys])

    async def look_up(self, attempt: Attempt) -> Take | None:
        """A take that is on disk already; None if there is none and the server can make it.

        Raises
        ------
        ComfyWidgetsError
            If there is none and no server can make it.
        """
        known = self.server.renderer
        if known is not None and (found := await self._first(attempt, known)):
            return found
        if not self.server.started:
            # No server is started for what can't be sent to it.
            await refusals.check_files(attempt.job.request.filled)
        trouble = await self._ask_who_renders(attempt)
        said = self._said()
        if said is not None and isinstance(trouble, ServerUnreachable | AnswerLost):
            # It may be starting anew, or another in its place; what is on disk does not wait to know which.
            if found := await self._first(attempt, said):
                attempt.remark = _UNREACHED
                return found
            trouble = await self._ask_who_renders(attempt, patient=True)
        if attempt.capabilities is not None:
            return await self._first(attempt, attempt.capabilities.renderer)
        found = await self._on_disk(attempt, self._possible_kinds())
        if found is None:
            await refusals.check_files(attempt.job.request.filled)
            if attempt.cancelling:
                raise cancelled(attempt.job.progress)
            raise missed(attempt.job.request, await in_thread(self.cache.takes), trouble)
        attempt.remark = "offline" if self.offline else _UNREACHED
        return found

    async def instead(self, attempt: Attempt) -> Take | None:
        """Another take of the same, for one whose own was lost; None if there is none."""
        return await self._on_disk(attempt, [attempt.capabilities.renderer]) if attempt.capabilities else None

    async def of_the_rest(self, attempt: Attempt) -> Take | None:
        """A take of what the server did not leave out of a prompt; None if there is none, or it left out nothing."""
        request = attempt.job.request
        if attempt.capabilities is None or request.fresh or not attempt.left_out:
            return None
        key = request.filled.key(attempt.capabilities.renderer, without=attempt.left_out)
        take = await in_thread(self.cache.find, key)
        return take and await in_thread(self._served, take, request)

    def _possible_kinds(self) -> list[str]:
        """What may have been rendered there, the likeliest first: the embedded server is on this machine."""
        if self.server.renderer is not None:
            return [self.server.renderer]
        if said := self._said():
            return [said]
        return ["comfyui", "demo"] if self.offline or self.server.address.is_here else ["comfyui"]

    def _said(self) -> str | None:
        """What rendered there when it was last asked; None if it was not, or has not answered."""
        if self.offline or not self.server.started:
            return None
        said = tracker_for(self.server.address).probed.said
        return said.renderer if said is not None else None

    async def _first(self, attempt: Attempt, renderer: str) -> Take | None:
        """What an earlier try left, if there was one; another one's take must not hide what can still be fetched."""
        if attempt.prior is None:
            return await self._on_disk(attempt, [renderer])
        attempt.key = attempt.job.request.filled.key(renderer)
        own = await in_thread(self.cache.of_prompt, attempt.key, attempt.prior)
        if own is not None:
            return await in_thread(self._served, own, attempt.job.request)
        waits = self.server.started and await in_thread(attempt.row) is not None
        return None if waits else await self._on_disk(attempt, [renderer])

    async def _on_disk(self, attempt: Attempt, renderers: list[str]) -> Take | None:
        request = attempt.job.request
        keys = [request.filled.key(renderer) for renderer in renderers]
        attempt.key = keys[0]
        for key in [] if request.fresh else keys:
            take = await in_thread(self.cache.find, key)
            if take is not None:
                return await in_thread(self._served, take, request)
        return None

    async def _ask_who_renders(self, attempt: Attempt, *, patient: bool = False) -> ComfyWidgetsError | None:
        """Have the server say what it is; what keeps it from that, None where that was wanted."""
        if self.offline:
            return None
        try:
            ask = tracker_for(await self.server.reach()).capabilities
            attempt.capabilities = await (patiently(attempt, ask) if patient else ask())
        except (ServerError, DemoError) as error:
            # Nobody answers, or somebody else: a proxy's page, a captive portal. What is on disk is served anyway.
            return error
        except Exception as error:  # noqa: BLE001 - a sandbox that forbids connections raises what it likes
            return ServerUnreachable(
                f"{self.server.address} can't be reached: {type(error).__name__}: {error}.",
                hint="Run it where connections are allowed, or with the takes that are on disk: Studio(offline=True).",
            )
        return None

    def _served(self, take: Take, request: Request) -> Take:
        if take.prompt_id is not None:
            # A kernel that died between the sidecar and the end left its row.
            self.cache.unfinished.remove(take.prompt_id)
        return self.cache.note_use(take, request.scene, request.shot)
