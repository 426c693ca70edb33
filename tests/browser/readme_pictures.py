"""``python -m tests.browser.readme_pictures`` makes the README's pictures anew, from the widgets as they are."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURES = ("first-take-light", "first-take-dark", "film-in-shots-light", "film-in-shots-dark")
MADE_BY = "test_the_first_take or test_the_picture_of_the_readme"


def main() -> None:
    with tempfile.TemporaryDirectory() as shots:
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:nbval", "tests/browser", "-k", MADE_BY]
        made = subprocess.run(run, cwd=ROOT, env=os.environ | {"BROWSER_SHOTS": shots}, check=False)
        if made.returncode:
            sys.exit(made.returncode)
        for name in PICTURES:
            shutil.copy(Path(shots, f"{name}.png"), ROOT / ".github")


if __name__ == "__main__":
    main()
