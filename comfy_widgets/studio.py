"""The studio: a server and a folder of takes, joined."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from comfy_widgets.asking import ask, item, items
from comfy_widgets.batch import Batch, Item, Plan
from comfy_widgets.cache import DEFAULT_FOLDER, TakeCache, folder_of_takes
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.server import Server
from comfy_widgets.embedded import embedded
from comfy_widgets.held import HeldTakes
from comfy_widgets.history import History, tried
from comfy_widgets.home_loop import HomeLoop
from comfy_widgets.jobs import Job, Request
from comfy_widgets.pipeline import Pipeline
from comfy_widgets.run_log import RunLog
from comfy_widgets.screen import show_while_waiting
from comfy_widgets.shots import Shot, Text
from comfy_widgets.sweep import Sweep, split
from comfy_widgets.takes import Take
from comfy_widgets.ui_files import load
from comfy_widgets.variations import vary
from comfy_widgets.workflow import Workflow

_DEFAULT_URL = "http://127.0.0.1:8188"


class Studio:
    """A ComfyUI server and a folder of takes; nothing is contacted before work starts.

    Parameters
    ----------
    url
        The server's address; else COMFY_URL, else ``http://127.0.0.1:8188``.
    cache
        Folder of takes, relative to the notebook; None keeps nothing: a take's file is there as long as somebody
        holds the take. COMFY_WIDGETS_CACHE stands in for the default, ``takes``, and so for folders in it.
    api_key
        Shown to the server only. COMFY_API_KEY is used when the address came from COMFY_URL.
    comfy_org_key
        For partner nodes. ComfyUI 0.3.64 shows it to everybody who reads its queue.
    headers
        Further HTTP headers that the server or its proxy wants.
    offline
        Serve what is on disk and never contact a server.
    quiet
        Show no badge by itself while a cell waits.

    Examples
    --------
    >>> studio = Studio(offline=True)
    >>> studio
    Studio(offline, takes in takes)
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        cache: str | Path | None = DEFAULT_FOLDER,
        api_key: str | None = None,
        comfy_org_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        offline: bool = False,
        quiet: bool = False,
        _server: Server | None = None,
    ) -> None:
        from_environment = url is None and "COMFY_URL" in os.environ
        if from_environment:
            url, api_key = os.environ["COMFY_URL"], api_key or os.environ.get("COMFY_API_KEY")
        self.server = _server or Server.at(Address.parse(url or _DEFAULT_URL, api_key=api_key, headers=headers))
        self.cache = HeldTakes() if cache is None else TakeCache(folder_of_takes(cache))
        self.offline = offline
        self.quiet = quiet
        self._home = HomeLoop()
        self._pipeline = Pipeline(
            self.server,
            self.cache,
            self._home,
            offline=offline,
            extra_data={"api_key_comfy_org": comfy_org_key} if comfy_org_key else {},
            show=self._show,
        )

    @property
    def home(self) -> HomeLoop:
        """The loop that its work runs in."""
        return self._home

    @property
    def address(self) -> Address:
        """Where its server is; the embedded one is started for that."""
        return self.server.address

    @classmethod
    def demo(
        cls, *, cache: str | Path | None = DEFAULT_FOLDER, quiet: bool = False, step_seconds: float | None = None
    ) -> Self:
        """A studio on the embedded server, which simulates ComfyUI without a GPU and ends with this process.

        It is started with the first take that is not on disk.

        Parameters
        ----------
        cache, quiet
            As for `Studio`.
        step_seconds
            How long one sampling step takes.
        """
        return cls(cache=cache, quiet=quiet, _server=embedded(step_seconds))

    def load(self, path: str | Path) -> asyncio.Future[Workflow]:
        """Start reading a workflow file, also one that was saved from the editor: the server's node classes convert it.

        The converted graph is kept beside the file, so that it loads without a server the next time.

        Parameters
        ----------
        path
            An API-format or UI-format file, or a video or picture that carries its graph.

        Returns
        -------
        asyncio.Future
            Await it; in a script it is done, and ``.result()`` gives the workflow.

        Raises
        ------
        WorkflowError
            When awaited, if there is no such file or it can't be converted.

        Examples
        --------
        >>> workflow = await studio.load("wan22_ui.json")  # doctest: +SKIP
        """
        return self._pipeline.start(load(Path(path), self._pipeline.object_info))

    def submit(
        self,
        workflow: Workflow,
        shot: Shot | str | None = None,
        /,
        *,
        fresh: bool = False,
        front: bool = False,
        inputs: Mapping[str, Any] | None = None,
        **bindings: Any,
    ) -> Job:
        """Start making a take and return at once; what was made before is served from disk.

        Parameters
        ----------
        workflow
            What to run.
        shot
            For which shot; its prompt, keyframe and seed are filled in. A string only names one.
        fresh
            Make another take even if there is one.
        front
            Go before everybody else in the server's queue.
        inputs
            Address → value, for inputs without a name.
        **bindings
            Name → value, see ``workflow.bindings``.

        Returns
        -------
        Job
            Await it for its take, or show it as a cell's last line.

        Raises
        ------
        BindingError, InputFileError
            If the workflow can't be filled.

        Examples
        --------
        >>> job = studio.submit(workflow, prompt="a lighthouse", seed=7)  # doctest: +SKIP
        """
        if isinstance(shot, Shot):
            bindings = {**shot.bindings(), **bindings}
        return ask(self._pipeline, workflow, shot, bindings, inputs=inputs, fresh=fresh, front=front)

    def rerun(self, take: Take, *, fresh: bool = False, **changes: Any) -> Job:
        """Start making a variation of a take: the same graph with some inputs changed.

        Parameters
        ----------
        take
            What to vary; the new take names it as its parent and says what changed.
        fresh
            Make another take even if there is one.
        **changes
            Name → value, see ``take.workflow.bindings``.

        Returns
        -------
        Job
            Await it for its take.

        Examples
        --------
        >>> job = studio.rerun(take, seed=2)  # doctest: +SKIP
        """
        filled, changed = vary(take, changes)
        request = Request(filled, take.scene, take.shot, fresh=fresh, parent=take.key, changed=changed)
        return self._pipeline.submit(request)

    def run(self, workflow: Workflow, shot: Shot | str | None = None, /, **options: Any) -> Take:
        """Make a take and wait for it, where nothing can be awaited; see `submit` for the parameters.

        Raises
        ------
        ComfyWidgetsError
            If there is no take.
        """
        return self.submit(workflow, shot, **options).result()

    def generate(
        self,
        shots: Iterable[Shot],
        workflow: Workflow,
        *,
        one_at_a_time: bool = False,
        retries: int = 0,
        fresh: bool = False,
        style: str | None = None,
        text: Text = Shot.text,
        **bindings: Any,
    ) -> Batch:
        """Start making a take for each shot and return at once; one that fails stops none of the others.

        Parameters
        ----------
        shots
            What is to be seen.
        workflow
            What to run for each.
        one_at_a_time
            Queue a shot only when the one before is over: a shared server's queue stays shallow.
        retries
            How often a shot that failed on the server is asked for again.
        fresh
            Make another take of each even if there is one.
        style
            Said at the end of each prompt.
        text
            Makes the prompt of a shot and the style, in place of `Shot.text`.
        **bindings
            Name → value for all shots, under what a shot says itself.

        Returns
        -------
        Batch
            Await it, show it, or ask its ``summary()``.

        Examples
        --------
        >>> batch = studio.generate(shots, workflow, style="watercolour")  # doctest: +SKIP
        >>> await batch  # doctest: +SKIP
        """
        made = items(self._pipeline, workflow, shots, bindings, style=style, text=text, fresh=fresh)
        plan = Plan(one_at_a_time=one_at_a_time, retries=retries)
        return Batch(made, self._home, RunLog(self.cache.folder), plan)

    def sweep(
        self,
        workflow: Workflow,
        shot: Shot | None = None,
        /,
        *,
        zip: bool = False,  # noqa: A002 - the word that people know for pairs
        one_at_a_time: bool = True,
        retries: int = 0,
        **bindings: Any,
    ) -> Sweep:
        """Make a take for each combination of inputs; those that were made before are there at once.

        So the same sweep asked for again goes on where an earlier one was stopped.

        Parameters
        ----------
        workflow, shot
            As for `submit`.
        zip
            Go through the axes together instead of combining them.
        one_at_a_time
            Queue a combination only when the one before is over, so that a sweep that is stopped has asked for nothing
            in vain. False queues all at once: no pause between takes on a server of one's own.
        retries
            As for `generate`.
        **bindings
            Name → value, or a list or range of values: an axis.

        Returns
        -------
        Sweep
            Await it, show it, or take ``sweep.takes["dusk", 0]``.

        Raises
        ------
        BindingError
            If there is no axis, or pairs of unequal lengths.

        Examples
        --------
        >>> sweep = studio.sweep(workflow, prompt=["dusk", "dawn"], seed=range(3))  # doctest: +SKIP
        """
        axes, rest = split(bindings)
        common = {**(shot.bindings() if shot is not None else {}), **rest}

        def made(label: str, place: Mapping[str, Any]) -> Item:
            return item(self._pipeline, workflow, shot, {**common, **place}, label=label)

        plan = Plan(one_at_a_time=one_at_a_time, retries=retries)
        return Sweep(axes, made, self._home, RunLog(self.cache.folder), pairs=zip, plan=plan, common=common)

    def history(
        self, text: str = "", *, scene: str | None = None, shot: str | None = None, limit: int | None = 200
    ) -> History:
        """What was tried, newest first; from the folder of takes, so without a server too.

        Parameters
        ----------
        text
            Words that all stand in a take's inputs, scene, shot or file name.
        scene, shot
            Only those that were served to this scene or shot.
        limit
            How many at most; None for all.

        Returns
        -------
        History
            A list of takes that shows itself as a gallery.

        Examples
        --------
        >>> studio.history("dusk", limit=20)  # doctest: +SKIP
        """
        return tried(self.cache, text, scene=scene, shot=shot, limit=limit)

    def resume(self) -> list[Job]:
        """Pick up the jobs that an earlier kernel left behind: follow what goes on, fetch what has ended.

        Returns
        -------
        list of Job
            One for each unfinished row of this server; what the server no longer knows is ``lost`` and keeps its row.

        Examples
        --------
        >>> for job in studio.resume():  # doctest: +SKIP
        ...     take = await job
        """
        return self._pipeline.resume()

    def close(self) -> asyncio.Future[None]:
        """Follow nothing any more and let go of the server; what it renders goes on there.

        Returns
        -------
        asyncio.Future
            Done when all is closed; need not be awaited in a script.
        """
        done = self._pipeline.close()
        if not self._home.turns_by_itself:
            self._home.close()
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        # No address: a port would make each run of a notebook differ.
        return f"Studio({'offline, ' if self.offline else ''}{self.cache.words})"

    def _show(self, job: Job) -> None:
        if not self.quiet:
            show_while_waiting(job)
