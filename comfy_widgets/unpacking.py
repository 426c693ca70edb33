"""Opening what `pack` made: whole or not at all, and nowhere but in the folder that was said."""

import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from filecmp import cmp
from pathlib import Path, PurePosixPath

from comfy_widgets.errors import PackError

_PIECE = 1 << 20
_MOST_FILES, _MOST_BYTES = 20_000, 20_000_000_000
_LONGEST_NAME = 1000
# Videos and pictures are packed as they are, and text does not shrink like this.
_GROWTH, _SMALL = 50, 10_000_000
_PART = re.compile(r"[^\x00-\x1f\x7f<>:\"|?*\\/]+")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
# A kernel that starts beside such a file may run it.
_CODE = {".py", ".pyc", ".pyd", ".pyw", ".pth", ".so", ".dll", ".dylib", ".exe", ".bat", ".cmd", ".sh", ".ps1"}


def unpack(archive: str | Path, folder: str | Path = ".") -> Path:
    """Open a notebook that was packed, with its takes: it runs there without a server.

    Nothing is written outside of the folder, and nothing over what is there. A notebook is a program: look at what
    you were given before you run it.

    Parameters
    ----------
    archive
        The zip file.
    folder
        Where to; made if it is not there.

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    PackError
        If it is no such file or not whole, leads out of the folder, or another file of a name is there already.

    Examples
    --------
    >>> cw.unpack("01_first_take.zip", "lighthouse")  # doctest: +SKIP
    PosixPath('lighthouse/01_first_take.ipynb')
    """
    source, place = Path(archive), Path(folder)
    try:
        with zipfile.ZipFile(source) as packed:
            members, notebook = _checked(packed, source.name)
            place.mkdir(parents=True, exist_ok=True)
            # Beside where it shall be, so that what came whole is only renamed.
            with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=place) as waiting:
                for member in members:
                    _extract(packed, member, Path(waiting))
                _put([member.filename for member in members], Path(waiting), place)
    except FileNotFoundError as error:
        raise PackError(f"There is no file {source.name}.", hint="Check its name and where it lies.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise PackError(f"{source.name} is not whole, or no zip file: {error}.", hint="Fetch it once more.") from error
    except OSError as error:
        raise PackError(
            f"{source.name} can't be unpacked into {place.name or place}: {error.strerror or error}.",
            hint="Choose another folder.",
        ) from error
    return place / notebook


def _checked(packed: zipfile.ZipFile, name: str) -> tuple[list[zipfile.ZipInfo], str]:
    """The files of an archive and the name of its notebook, before a byte of it is written."""
    members = [member for member in packed.infolist() if not member.is_dir()]
    for member in members:
        if trouble := _trouble(member):
            raise PackError(f"{name} holds {member.filename[:80]!r}, {trouble}: nothing was unpacked.")
    names = [member.filename for member in members]
    if len({one.casefold() for one in names}) < len(names):
        raise PackError(f"{name} holds two files of one name: nothing was unpacked.")
    size = sum(member.file_size for member in members)
    most = min(_MOST_BYTES, max(_SMALL, _GROWTH * sum(member.compress_size for member in members)))
    if len(members) > _MOST_FILES or size > most:
        what = f"{len(members)} files with {size / 1e6:.0f} MB"
        raise PackError(f"{name} would become {what}, more than a notebook has: nothing was unpacked.")
    notebooks = [one for one in names if one.endswith(".ipynb")]
    if len(notebooks) != 1 or "/" in notebooks[0]:
        raise PackError(f"{name} is not what pack makes: one notebook with its takes.", hint="Unpack it by hand.")
    return members, notebooks[0]


def _trouble(member: zipfile.ZipInfo) -> str:
    """What is wrong with a file of an archive, in words; empty if nothing is."""
    name, parts = member.filename, member.filename.split("/")
    kind = stat.S_IFMT(member.external_attr >> 16)
    # zipfile mends names as it reads them; what had to be mended was not made by us.
    if name != member.orig_filename or len(name) > _LONGEST_NAME or not all(_PART.fullmatch(part) for part in parts):
        return "which is no name for a file"
    if any(part.startswith(".") or part.endswith((" ", ".")) or _DEVICES.fullmatch(part) for part in parts):
        return "which leads out of the folder or is hidden"
    if kind not in {0, stat.S_IFREG}:
        return "which is a link or a device"
    if PurePosixPath(name).suffix.lower() in _CODE:
        return "which is a program"
    return ""


def _extract(packed: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path) -> None:
    target = into / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    # It never gives more than the size that was checked, and the checksum is compared at the end.
    with packed.open(member) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, _PIECE)
    if target.stat().st_size != member.file_size:
        raise EOFError(f"{member.filename} came short")


def _put(names: list[str], waiting: Path, place: Path) -> None:
    root = place.resolve()
    for name in names:
        target = place / name
        if not target.resolve().is_relative_to(root):
            raise PackError(f"{name} would leave the folder {place.name or place} by a link in it.")
        there = target.exists() or target.is_symlink()
        if there and not (target.is_file() and cmp(waiting / name, target, shallow=False)):
            raise PackError(
                f"Another {name} is there already: nothing was unpacked.", hint="Unpack into an empty folder."
            )
    for name in names:
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (waiting / name).replace(target)
