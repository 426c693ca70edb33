"""What all widgets share: one state, questions by message, and the threads both may come on."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from comfy_widgets import faces, graphs
from comfy_widgets.errors import ComfyWidgetsError
from comfy_widgets.widgets.coalescer import coalescer_of
from comfy_widgets.widgets.pieces import Shelf
from comfy_widgets.widgets.requests import Request

log = logging.getLogger(__name__)

Answered = tuple[dict[str, Any], list[bytes]]

_STATIC = Path(__file__).parent.parent / "static"


def bundled(name: str) -> Path:
    """A file that was built from `js/`.

    Raises
    ------
    ImportError
        If it was not built.
    """
    path = _STATIC / name
    if not path.is_file():
        raise ImportError(f"The browser side is not built ({name} is missing). Run `npm ci && npm run build` in js/.")
    return path


def keep_on_subshell(comm: Any) -> None:
    """Let the messages of a comm arrive on the subshell that JupyterLab sends them to.

    ipykernel 7.4 moves them to the thread that last published, which is busy exactly when Stop is needed. The name is
    private to ipykernel; elsewhere nothing needs to be done.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default  # noqa: SLF001 - there is no public way


class Face(anywidget.AnyWidget):
    """A widget that tells the browser one state and answers its questions.

    Python to browser: the `state` trait, always a new dict with a sequence number. Browser to Python: messages only,
    ``{kind, name, id}``, each answered with ``{re, ok}``. A *read* is answered on the thread it comes on and touches
    neither traits nor tasks; an *act* is handed to the loop that was remembered when the widget was made.

    Parameters
    ----------
    loop
        The loop that what is shown lives in; None for what never changes.
    **traits
        What else the browser is told at the beginning.
    """

    state = traitlets.Dict().tag(sync=True)
    # Here too, since one that refused what it was given is closed when it is forgotten.
    _unsubscribe: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, **traits: Any) -> None:
        self._loop = loop
        self._seq = 0
        self._composed_at = time.monotonic()
        self._shelf = Shelf()
        self._reads: dict[str, Callable[[Request], Answered]] = {
            "snapshot": self._read_snapshot,
            "piece": self._read_piece,
            "poster": self._read_poster,
            "graph": self._read_graph,
        }
        self._acts: dict[str, Callable[[Request], Awaitable[None] | None]] = {}
        self._going: set[asyncio.Future[None]] = set()
        self._latest = self._compose()
        super().__init__(state=self._latest, **traits)
        keep_on_subshell(self.comm)
        self.on_msg(self._on_message)

    def snapshot(self) -> dict[str, Any]:
        """What is shown now, as JSON; called in the loop's thread."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """What people call the thing that is shown."""
        raise NotImplementedError

    def static_html(self) -> str:
        """The face for readers without a kernel."""
        raise NotImplementedError

    def changed(self) -> None:
        """Say that the state is another one, in the loop's thread; the browser is told soon."""
        if self._loop is None:
            self.push()
        else:
            coalescer_of(self._loop).mark(self)

    def push(self) -> None:
        """Tell the browser the present state, in the loop's thread; one that was closed stays silent."""
        if self.comm is None:
            return
        self._seq += 1
        self._latest = self._compose()
        self.state = self._latest

    def close(self) -> None:
        """Let go of what is shown; what is being made goes on."""
        self._unsubscribe()
        super().close()

    def _compose(self) -> dict[str, Any]:
        self._composed_at = time.monotonic()
        return {"seq": self._seq} | self.snapshot()

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        request = Request.parse(content)
        if request is None:
            log.warning("A message without an id came from the browser")
        elif request.kind == "read" and request.name in self._reads:
            self._answer(request, lambda: self._reads[request.name](request))
        elif request.kind == "act" and request.name in self._acts:
            self._hand_over(request)
        else:
            self.send(request.refuse("This version of comfy_widgets does not know this question. Reload the page."))

    def _hand_over(self, request: Request) -> None:
        try:
            if self._loop is None:
                raise RuntimeError("no loop")  # noqa: TRY301 - the same answer as for a closed one
            self._loop.call_soon_threadsafe(self._begin, request)
        except RuntimeError:
            self.send(request.refuse("Its event loop has ended. Run the cell again."))

    def _begin(self, request: Request) -> None:
        going = asyncio.ensure_future(self._act(request))
        # A loop keeps only weak references to what runs in it.
        self._going.add(going)
        going.add_done_callback(self._going.discard)

    async def _act(self, request: Request) -> None:
        """Do what is asked for, in the loop's thread; an act may take its time."""
        try:
            if (going := self._acts[request.name](request)) is not None:
                await going
        except Exception as error:  # noqa: BLE001 - whatever it was, somebody waits for an answer
            self.send(self._refusal(request, error))
        else:
            self.send(request.answer())

    def _answer(self, request: Request, work: Callable[[], Answered]) -> None:
        try:
            content, buffers = work()
        except Exception as error:  # noqa: BLE001
            content, buffers = self._refusal(request, error), []
        self.send(content, buffers)

    def _refusal(self, request: Request, error: Exception) -> dict[str, Any]:
        if isinstance(error, ComfyWidgetsError):
            return request.refuse(error.sentence)
        log.error("The question %r failed", request.name, exc_info=error)
        return request.refuse(f"{type(error).__name__}: {error}")

    def _read_snapshot(self, request: Request) -> Answered:
        # The one that was composed in the loop's thread: composing another here could catch a job halfway.
        latest, late = self._latest, time.monotonic() - self._composed_at
        return request.answer(state=latest, late=round(late, 3)), []

    def _read_piece(self, request: Request) -> Answered:
        return request.answer(), [self._shelf.piece(request.body)]

    def _read_poster(self, request: Request) -> Answered:
        return request.answer(), [self._shelf.poster(request.body)]

    def _read_graph(self, request: Request) -> Answered:
        return request.answer(graph=graphs.rows(self._shelf.graph(request.body))), []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return data | {"text/html": self.static_html() + faces.DEAD}, metadata
