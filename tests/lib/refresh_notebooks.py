"""Run notebooks without takes and keep what they show, and their takes if those are kept in git.

``python -m tests.lib.refresh_notebooks`` for all, ``… 03_timeline`` for one. What comes out as it was stays as it is,
to the byte: a second run changes no file.
"""

import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

import av
import nbformat
from nbclient import NotebookClient

from comfy_widgets.cache import TakeCache
from comfy_widgets.takes import Take
from tests.lib.notebooks import NOTEBOOKS, WITH_TAKES, copy

_VIEW = "application/vnd.jupyter.widget-view+json"


def refresh(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = copy(Path(place), takes=False)
        notebook = run(folder / f"{name}.ipynb")
        nbformat.write(notebook, NOTEBOOKS / f"{name}.ipynb")
        if name.startswith(WITH_TAKES):
            keep_takes(folder / "takes" / name, NOTEBOOKS / "takes" / name)


def run(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    # The state of widgets is stale as soon as it is saved; the static faces beside it are what is kept.
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = joined(cell.outputs)
        for place, output in enumerate(cell.get("outputs", [])):
            view = output.get("data", {}).get(_VIEW)
            if view is not None:
                # No model is there any more; its id need not be another each time.
                view["model_id"] = uuid.uuid5(uuid.NAMESPACE_URL, f"{path.name} {cell.id} {place}").hex
    return notebook


def joined(outputs: list) -> list:
    """The outputs with what was printed in one piece: where a kernel cut it is another place each time."""
    kept = []
    for output in outputs:
        if kept and output.output_type == kept[-1].output_type == "stream" and output.name == kept[-1].name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def keep_takes(made: Path, kept: Path) -> None:
    """Take over what was made, but for the takes that are there already: when they were made stays true."""
    kept.mkdir(parents=True, exist_ok=True)
    before = {take.path.name: take for take in TakeCache(kept).takes()}
    takes = TakeCache(made).takes()
    stay = {take.path.name for take in takes if same(take, before.get(take.path.name))}
    wanted = set()
    for take in takes:
        names = {file.name for file in files(take)}
        wanted |= names
        for name in names if take.path.name not in stay else ():
            shutil.copyfile(made / name, kept / name)
    shutil.copyfile(made / "used.json", kept / "used.json")
    wanted.add("used.json")
    pictures = {f"frames/{path.name}" for path in made.glob("frames/*")}
    for name in pictures:
        (kept / "frames").mkdir(exist_ok=True)
        shutil.copyfile(made / name, kept / name)
    for path in [path for path in kept.rglob("*") if path.is_file()]:
        if path.relative_to(kept).as_posix() not in wanted | pictures:
            path.unlink()


def files(take: Take) -> list[Path]:
    every = [take, *take.also]
    return [take.path.with_suffix(".json"), *(file for one in every for file in (one.path, one.poster) if file)]


def same(take: Take, before: Take | None) -> bool:
    if before is None or before.graph != take.graph or before.used_by != take.used_by:
        return False
    pairs = zip(files(take)[1:], files(before)[1:], strict=True)
    return all(content(file) == content(other) for file, other in pairs)


def content(path: Path) -> bytes | list[bytes]:
    """What is seen of a file: a video's tags tell of the prompt that made it, which is another each time."""
    if path.suffix != ".mp4":
        return path.read_bytes()
    with av.open(str(path)) as video:
        return [bytes(packet) for packet in video.demux()]


def main(names: list[str]) -> None:
    # The server, key and cache of who runs this are none of its business.
    for name in [name for name in os.environ if name.startswith("COMFY_")]:
        del os.environ[name]
    for name in names or [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]:
        refresh(name)


if __name__ == "__main__":
    main([Path(name).stem for name in sys.argv[1:]])
