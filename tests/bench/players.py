"""How soon a take of 50 MB can be seen, beside the barest way to do it, and what that costs the kernel and the server.

``python -m tests.bench.players`` prints the ratios of each round, their median and their spread. The clock starts when
the cell is run that shows the take, and stops at the first frame that is drawn. Ours and the bare way take turns, and
so does which of them is first; each shows a file of its own name, so that no cache of the browser knows it, and is
watched by the same load.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import psutil
from jupyter_client import BlockingKernelClient
from playwright.sync_api import Page

from tests.browser import clips
from tests.browser.conftest import Notebook, running_browser, running_lab, wait_for_kernel

SIZE = 50_000_000
ROUNDS = 7
PAIRS = (("bare push", "player, pieces"), ("bare video", "player, files"))
LIMIT = 1.25
# The notebook's cells.
PREPARE, CLEAR, SHOW = range(3)
KERNEL_MB, SERVER_MB, ANSWER_MS = 8, 16, 100

SETUP = '''
import anywidget, comfy_widgets as cw, gc
from dataclasses import replace
from IPython.display import HTML, display
from pathlib import Path
from uuid import uuid4
from comfy_widgets.widgets.base import keep_on_subshell

class Push(anywidget.AnyWidget):
    """Pieces of 1 MB, four under way, sent as soon as one has come: nothing else."""
    _esm = """
    export default { render({ model, el }) {
      const video = document.createElement('video');
      video.preload = 'auto';
      video.width = 320;
      el.append(video);
      const had = [];
      model.on('msg:custom', ({ at, of }, [piece]) => {
        had[at] = piece;
        model.send({ had: at });
        if (Object.keys(had).length === of) video.src = URL.createObjectURL(new Blob(had, { type: 'video/mp4' }));
      });
      model.send({ go: true });
      return () => URL.revokeObjectURL(video.src);
    } };
    """
    def __init__(self, path):
        super().__init__()
        keep_on_subshell(self.comm)
        self.path, self.of, self.at = Path(path), -(-Path(path).stat().st_size // 1_000_000), 0
        self.on_msg(self.hear)
    def hear(self, _widget, content, _buffers):
        for _ in range(4 if "go" in content else 1):
            if self.at < self.of:
                with self.path.open("rb") as file:
                    file.seek(self.at * 1_000_000)
                    data = file.read(1_000_000)
                self.at += 1
                self.send({"at": self.at - 1, "of": self.of}, [data])

def renamed(take):
    """The same bytes on the disk by a name that nobody has asked for yet."""
    path = take.path.with_name(f"{uuid4().hex}.mp4")
    path.hardlink_to(take.path)
    return replace(take, path=path)

hidden = cw.TakeCache(".takes").takes()[0]
beside = cw.TakeCache("takes").takes()[0]
ways = {
    "bare push": lambda: Push(renamed(hidden).path),
    "player, pieces": lambda: cw.VideoPlayer(renamed(hidden)),
    "bare video": lambda: HTML(f'<video preload="auto" width="320" src="takes/{renamed(beside).path.name}"></video>'),
    "player, files": lambda: cw.VideoPlayer(renamed(beside)),
}
shown = None

def clear():
    """What is not what is measured: an earlier take goes, and what is left of it."""
    global shown
    if isinstance(shown, anywidget.AnyWidget):
        shown.close()
    shown = None
    gc.collect()

def show_next():
    global shown
    shown = ways[next(turns)]()
    display(shown)
'''

# When a video stood in the page, and when its first picture could be seen.
WATCH = """
() => {
  window.seen = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes)
        for (const video of node.matches?.('video') ? [node] : (node.querySelectorAll?.('video') ?? [])) {
          const there = performance.now();
          video.requestVideoFrameCallback((frame) => window.seen.push({ there, frame }));
        }
  }).observe(document.body, { subtree: true, childList: true });
}
"""

RUN = """
(cell) => {
  const { commands, shell } = window.jupyterapp;
  shell.currentWidget.content.activeCellIndex = cell;
  const began = performance.now();
  return commands.execute('notebook:run-cell').then(() => began);
}
"""


class Seen(NamedTuple):
    """Milliseconds until a first picture could be seen.

    Parameters
    ----------
    from_kernel
        Since the cell was run that shows it.
    in_page
        Since its video stood in the page.
    """

    from_kernel: float
    in_page: float


class Load:
    """Asks the kernel something every 50 ms and looks at the memory of processes, while something else goes on."""

    def __init__(self, client: BlockingKernelClient, pids: list[int]) -> None:
        self._client = client
        self._processes = [psutil.Process(pid) for pid in pids]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self.before = self._memory()
        self.peak, self.slowest = list(self.before), 0.0
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def grown(self) -> list[float]:
        return [max(0.0, peak - before) for peak, before in zip(self.peak, self.before, strict=True)]

    def _memory(self) -> list[float]:
        return [process.memory_info().rss / 1e6 for process in self._processes]

    def _look(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            self._client.kernel_info(reply=True, timeout=10)
            self.slowest = max(self.slowest, 1000 * (time.monotonic() - began))
            self.peak = [max(pair) for pair in zip(self.peak, self._memory(), strict=True)]
            self._over.wait(0.05)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def spread(values: list[float], unit: str, digits: int = 0) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def turns(rounds: int) -> list[str]:
    """The ways of all rounds, one after the other; of each pair now this one is first and now that."""
    return [way for number in range(rounds) for pair in PAIRS for way in (pair if number % 2 else pair[::-1])]


def run_next(page: Page) -> Seen:
    """Run the cell that shows the next way, until its picture is there."""
    before = page.evaluate("() => window.seen.length")
    began = page.evaluate(RUN, SHOW)
    page.wait_for_function("(n) => window.seen.length > n", arg=before)
    seen = page.evaluate("() => window.seen.at(-1)")
    return Seen(seen["frame"] - began, seen["frame"] - seen["there"])


def client_of(private: Path) -> BlockingKernelClient:
    [file] = (private / "runtime").glob("kernel-*.json")
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    # No iopub: what nobody reads there would pile up in the kernel.
    client.start_channels(iopub=False, stdin=False, hb=False, control=False)
    return client


def measure(rounds: int) -> tuple[dict[str, list[Seen]], dict[str, list[Load]]]:
    seen: dict[str, list[Seen]] = {way: [] for pair in PAIRS for way in pair}
    loads: dict[str, list[Load]] = {way: [] for way in PAIRS[0]}
    # The first round warms up what is loaded once.
    order = turns(rounds + 1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (private := folder / "private").mkdir()
        (work := folder / "work").mkdir()
        lab = stack.enter_context(running_lab(work, private))
        for name in ("takes", ".takes"):
            clips.take(lab.folder / name, bytes_=SIZE)
        lab.write("bench.ipynb", f"{SETUP}\nturns = iter({order!r})", "clear()", "show_next()")
        page = stack.enter_context(running_browser()).new_page()
        page.goto(f"{lab.url}/doc/tree/bench.ipynb?token={lab.token}")
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext")
        wait_for_kernel(Notebook(page, lab, "bench.ipynb"))
        page.evaluate(RUN, PREPARE)
        page.evaluate(WATCH)
        client = client_of(private)
        stack.callback(client.stop_channels)
        kernel = next(
            child.pid
            for child in psutil.Process(lab.pid).children(recursive=True)
            if "ipykernel" in " ".join(child.cmdline())
        )
        for place, way in enumerate(order):
            page.evaluate(RUN, CLEAR)
            page.request_gc()
            with Load(client, [kernel, lab.pid]) as load:
                one = run_next(page)
            if place >= len(seen):
                seen[way].append(one)
                loads.get(way, []).append(load)
    return seen, loads


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.players", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    seen, loads = measure(parser.parse_args().rounds)
    for way, values in seen.items():
        say(f"{way:<15} {spread([one.from_kernel for one in values], 'ms')}")
    for bare, ours in PAIRS:
        pairs = list(zip(seen[ours], seen[bare], strict=True))
        whole = spread([a.from_kernel / b.from_kernel for a, b in pairs], "×", 2)
        in_page = spread([a.in_page / b.in_page for a, b in pairs], "×", 2)
        say(f"{ours} / {bare}: {whole}, to reach {LIMIT}; from the video in the page on {in_page}")
    for way, during in loads.items():
        kernel, server = zip(*(load.grown for load in during), strict=True)
        say(f"{way}: kernel grew by {spread(list(kernel), 'MB', 1)}, to reach {KERNEL_MB}")
        say(f"{way}: Jupyter server grew by {spread(list(server), 'MB', 1)}, to reach {SERVER_MB}")
        say(f"{way}: slowest other answer {spread([load.slowest for load in during], 'ms')}, to reach {ANSWER_MS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
