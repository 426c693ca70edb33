"""The server's three folders, and how a file of one of them may be named."""

import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path

from comfy_widgets.errors import DemoError

KINDS = ("output", "input", "temp")


class Folders:
    """Input, output and temp of one server.

    Parameters
    ----------
    root
        Their parent; None makes a private one that `remove` takes away.

    Raises
    ------
    DemoError
        If they cannot be made.
    """

    def __init__(self, root: str | None = None) -> None:
        self.root = Path(root) if root else Path(tempfile.mkdtemp(prefix="comfy-widgets-demo-"))
        # Also if the process ends without a word, as a kernel does.
        self._removal = weakref.finalize(self, shutil.rmtree, self.root, ignore_errors=True) if root is None else None
        try:
            for kind in KINDS:
                (self.root / kind).mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise DemoError(
                f"The embedded server cannot keep its files in {self.root}: {cause.strerror or cause}.",
                hint="Choose another folder.",
            ) from cause

    def of(self, kind: str) -> Path:
        """The folder of a kind."""
        return self.root / kind

    def within(self, kind: str, subfolder: str) -> Path | None:
        """The subfolder's path, or None where it would leave its folder."""
        base = self.of(kind).resolve()
        path = (base / subfolder).resolve()
        return path if path == base or base in path.parents else None

    def clear_temp(self) -> None:
        """Empty the temp folder, as a server does when it starts."""
        shutil.rmtree(self.of("temp"), ignore_errors=True)
        self.of("temp").mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Take the folders away if they are the server's own."""
        if self._removal is not None:
            self._removal()

    def next_name(self, kind: str, prefix: str, extension: str) -> tuple[Path, dict[str, str]]:
        """The next free numbered name for a prefix, and how outputs speak of it.

        Raises
        ------
        Exception
            If the prefix leads out of the folder.
        """
        subfolder, stem = os.path.split(os.path.normpath(prefix))
        folder = self.within(kind, subfolder)
        if folder is None:
            # A bare Exception, as clients get to see its type.
            raise Exception(f"Saving outside the output folder is not allowed: {prefix}")  # noqa: TRY002
        folder.mkdir(parents=True, exist_ok=True)
        numbered = re.compile(re.escape(stem) + r"_(\d+)_", re.IGNORECASE)
        taken = [int(found[1]) for path in folder.iterdir() if (found := numbered.match(path.name))]
        name = f"{stem}_{max(taken, default=0) + 1:05}_.{extension}"
        return folder / name, {"filename": name, "subfolder": subfolder, "type": kind}

    def annotated(self, name: str, default: str = "input") -> Path | None:
        """The path of a name such as ``"a.png [output]"``, or None where it would leave its folder."""
        for kind in KINDS:
            if name.endswith(f" [{kind}]"):
                return self.within(kind, name[: -len(kind) - 3])
        return self.within(default, name)
