"""The notebooks as the tests see them; knows nothing but the standard library, since tests/run reads it."""

import shutil
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# These run without a server: their takes are in git.
WITH_TAKES = ("01", "02", "03", "04")
# What notebooks leave behind beside their takes.
LEFT_BEHIND = ("lighthouse.json", "film.mp4", "Harbour.json", "harbour.mp4", "*.py", ".*")


def copy(into: Path, *, takes: bool) -> Path:
    """A copy of the folder of notebooks as a clone has it, with the takes in git or with none."""
    leave = LEFT_BEHIND if takes else (*LEFT_BEHIND, "takes")
    return shutil.copytree(NOTEBOOKS, into / "notebooks", ignore=shutil.ignore_patterns(*leave))
