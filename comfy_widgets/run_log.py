"""A run's log: a line for each change of state, in the folder of takes."""

import logging
from datetime import UTC, datetime
from pathlib import Path

from comfy_widgets.files import Place

log = logging.getLogger(__name__)


class RunLog:
    """Appends lines with their time to ``runs/<time>.log``.

    Parameters
    ----------
    folder
        The folder of takes.
    """

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        self._place = Place(folder / "runs" / f"{now:%Y-%m-%dT%H-%M-%S}-{now.microsecond:06}.log")
        self._refused = False

    @property
    def path(self) -> Path:
        """The file."""
        return self._place.path

    def write(self, line: str) -> None:
        """Add a line; a folder that can't be written costs the log, not the run."""
        if self._refused:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')}  {line}\n")
        except OSError as error:
            self._refused = True
            log.warning("No run log: %s can't be written (%s).", self.path, error.strerror or error)
