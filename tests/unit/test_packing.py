"""A notebook in a zip file: exactly its takes, nothing of this machine; and opening one that somebody else made."""

import json
import stat
import zipfile

import pytest

from comfy_widgets import cli, pack, unpack
from comfy_widgets.cache import TakeCache
from comfy_widgets.errors import PackError
from comfy_widgets.uses import Cell, Uses, digest_of
from tests.lib.graphs import wan
from tests.lib.takes import parts, take

SUBMIT = 'job = studio.submit(workflow, prompt="a hill", seed=1)'
SETUP = 'studio = cw.Studio.demo(cache="takes/mine")\nworkflow = cw.Workflow.load("workflows/wan.json")'


def write(path, *sources, outputs=()):
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": []} for source in sources]
    cells[-1]["outputs"] = list(outputs)
    told = {"cells": cells, "metadata": {"widgets": {"state": 1}}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(told), "utf-8")
    return path


def make(folder, number, **known):
    """A take in a folder."""
    made = take(folder, key=f"{number:012x}".ljust(64, "0"), **known)
    return TakeCache(folder).keep(made, parts(made))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A notebook's folder with a workflow, and with four takes of which its second cell used one."""
    place = tmp_path / "project"
    (place / "workflows").mkdir(parents=True)
    (place / "workflows" / "wan.json").write_text(json.dumps(wan()), "utf-8")
    monkeypatch.chdir(place)
    takes = place / "takes" / "mine"
    for number in range(1, 5):
        make(takes, number, shot=f"shot-0{number}", server="gpu-1:8188", renderer="comfyui", prompt_id="6f1c-9")
    Uses(takes).note(Cell(digest_of(SUBMIT), "run 1"), named(takes, "shot-01"), [])
    (takes / "unfinished").mkdir()
    (takes / "unfinished" / "6f1c.json").write_text('{"server": "http://gpu-1:8188"}')
    (takes / "runs").mkdir()
    (takes / "runs" / "now.log").write_text("gpu-1")
    write(place / "n.ipynb", SETUP, SUBMIT)
    return place


def named(folder, shot):
    return next(take for take in TakeCache(folder).takes() if take.shot == shot)


def names(archive):
    with zipfile.ZipFile(archive) as packed:
        return sorted(packed.namelist())


def read(archive):
    with zipfile.ZipFile(archive) as packed:
        return b"\n".join(packed.read(name) for name in packed.namelist())


def test_exactly_the_takes_that_were_used_go_with_it(place):
    stem = named(place / "takes/mine", "shot-01").path.stem
    assert names(pack("n.ipynb")) == [
        "n.ipynb",
        f"takes/mine/{stem}.jpg",
        f"takes/mine/{stem}.json",
        f"takes/mine/{stem}.mp4",
        "takes/mine/used.json",
        "workflows/wan.json",
    ]


def test_the_same_is_packed_to_the_same_bytes(place):
    assert pack("n.ipynb", "one.zip").read_bytes() == pack("n.ipynb", "two.zip").read_bytes()


def test_it_is_opened_and_packed_again_elsewhere(place, tmp_path):
    archive = pack("n.ipynb")
    opened = unpack(archive, tmp_path / "elsewhere")
    assert opened == tmp_path / "elsewhere" / "n.ipynb"
    (found,) = TakeCache(tmp_path / "elsewhere" / "takes/mine").takes()
    assert (found.shot, found.server, found.prompt_id) == ("shot-01", "", None)
    assert names(pack(opened)) == names(archive)


def test_a_cell_that_ran_again_uses_what_it_used_last(place):
    takes = place / "takes/mine"
    uses = Uses(takes)
    for run, shot in (("run 2", "shot-02"), ("run 2", "shot-03"), ("run 3", "shot-03"), ("run 3", "shot-04")):
        uses.note(Cell(digest_of(SUBMIT), run), named(takes, shot), [])
    packed = [name for name in names(pack("n.ipynb")) if name.endswith(".mp4")]
    assert packed == [f"takes/mine/{named(takes, shot).path.name}" for shot in ("shot-03", "shot-04")]


def test_what_another_notebook_used_stays(place):
    takes = place / "takes/mine"
    Uses(takes).note(Cell(digest_of("other()"), "run 1"), named(takes, "shot-02"), [])
    assert sum(name.endswith(".mp4") for name in names(pack("n.ipynb"))) == 1


def test_what_an_output_shows_goes_with_it(place):
    shown = named(place / "takes/mine", "shot-02").path
    data = {"text/html": [f'<video src="takes/mine/{shown.name}">']}
    write(place / "n.ipynb", SETUP, "take", outputs=[{"output_type": "execute_result", "data": data}])
    assert [name for name in names(pack("n.ipynb")) if name.endswith(".mp4")] == [f"takes/mine/{shown.name}"]


def test_a_timeline_goes_with_the_takes_that_it_names(place):
    takes = place / "takes/mine"
    shots = [
        {"id": "shot-01", "prompt": "a hill", "takes": [named(takes, "shot-01").handle, named(takes, "shot-02").handle]}
    ]
    (place / "Film.json").write_text(json.dumps({"version": 1, "given": {}, "shots": shots}))
    other = [{"id": "shot-04", "prompt": "a bay", "takes": [named(takes, "shot-04").handle]}]
    (place / "other.json").write_text(json.dumps({"version": 1, "given": {}, "shots": other}))
    packed = names(pack("n.ipynb"))
    assert "Film.json" in packed
    assert "other.json" not in packed
    assert sum(name.endswith(".mp4") for name in packed) == 2


def test_pictures_that_were_used_or_named_go_with_it_and_other_files_stay(place):
    for name in ("a.png", "b.png", "c.png", "notes.json", "film.mp4"):
        (place / name).write_bytes(b"x")
    takes = place / "takes/mine"
    Uses(takes).note(Cell(digest_of(SUBMIT), "run 2"), named(takes, "shot-01"), [place / "a.png"])
    write(place / "n.ipynb", SETUP, SUBMIT, "show('b.png', 'notes.json', 'film.mp4')")
    assert [name for name in names(pack("n.ipynb")) if "/" not in name] == ["a.png", "b.png", "n.ipynb"]


def test_nothing_of_the_server_or_the_machine_is_in_it(place, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    told = f"Nobody answers at http://me:secret@gpu-1:8188/api. In {place}/n.ipynb and {tmp_path}/home/venv; gpu-1:8188"
    setup = 'studio = cw.Studio("http://me:secret@gpu-1:8188", cache="takes/mine")'
    write(place / "n.ipynb", setup, SUBMIT, outputs=[{"output_type": "stream", "name": "stdout", "text": [told]}])
    packed = read(pack("n.ipynb")).decode("utf-8", "replace")
    for word in ("gpu-1", "secret", str(place), str(tmp_path), "unfinished", "6f1c", "widgets"):
        assert word not in packed
    assert r"cw.Studio(\"http://127.0.0.1:8188\", cache=" in packed
    assert "Nobody answers at http://127.0.0.1:8188/api. In n.ipynb and ~/venv; 127.0.0.1:8188" in packed


def test_the_cells_of_a_cleaned_notebook_are_still_known(place, tmp_path):
    source = f'studio = cw.Studio("http://gpu-1:8188", cache="takes/mine")\n{SUBMIT}'
    takes = place / "takes/mine"
    Uses(takes).note(Cell(digest_of(source), "run 1"), named(takes, "shot-02"), [])
    write(place / "n.ipynb", source)
    opened = unpack(pack("n.ipynb"), tmp_path / "elsewhere")
    assert sum(name.endswith(".mp4") for name in names(pack(opened))) == 1


@pytest.mark.parametrize(
    "source",
    [
        'cw.Studio("https://x", api_key="abc")',
        "cw.Studio(comfy_org_key = 'abc')",
        'cw.Studio("https://x", headers={"Authorization": "Bearer abc"})',
        "headers={'X-API-Key' : 'abc'}",
    ],
)
def test_a_notebook_with_a_key_is_not_packed(place, source):
    write(place / "n.ipynb", source, SUBMIT)
    with pytest.raises(PackError, match=r"Code cell 1 of n\.ipynb holds a key.*environment"):
        pack("n.ipynb")
    assert not (place / "n.zip").exists()


def test_nor_is_one_that_shows_the_key_of_this_environment(place, monkeypatch):
    monkeypatch.setenv("COMFY_API_KEY", "sk-123456789")
    write(place / "n.ipynb", SETUP, SUBMIT, outputs=[{"output_type": "stream", "text": ["key: sk-123456789"]}])
    with pytest.raises(PackError, match="COMFY_API_KEY, stands in"):
        pack("n.ipynb")


def test_a_key_from_the_environment_is_no_key_in_the_notebook(place):
    write(place / "n.ipynb", SETUP, SUBMIT, "cw.Studio(url, api_key=os.environ['COMFY_API_KEY'])")
    assert pack("n.ipynb").exists()


def test_a_notebook_that_never_ran_says_what_to_do(place):
    write(place / "n.ipynb", SETUP, "something_else()")
    with pytest.raises(PackError, match="Run it once in its folder"):
        pack("n.ipynb")


def test_a_take_that_is_gone_is_told_with_its_cell(place):
    named(place / "takes/mine", "shot-01").path.unlink()
    with pytest.raises(PackError, match="code cell 2 used is not in takes/mine any more"):
        pack("n.ipynb")


def test_takes_or_files_outside_of_the_folder_cannot_be_packed(place, tmp_path):
    made = make(tmp_path / "takes", 9)
    Uses(tmp_path / "takes").note(Cell(digest_of(SUBMIT), "run 1"), made, [])
    write(place / "n.ipynb", 'cw.Studio(cache="../takes")', SUBMIT)
    with pytest.raises(PackError, match=r"takes of n\.ipynb lie outside"):
        pack("n.ipynb")
    (tmp_path / "key.png").write_bytes(b"x")
    write(place / "n.ipynb", SETUP, SUBMIT, "keyframe = '../key.png'")
    with pytest.raises(PackError, match=r"names key\.png, which lies outside"):
        pack("n.ipynb")


@pytest.mark.parametrize("text", [None, "no json", "[]", '{"cells": 1}'])
def test_what_is_no_notebook_is_not_packed(place, text):
    if text is not None:
        (place / "x.ipynb").write_text(text)
    with pytest.raises(PackError, match=r"x\.ipynb is no notebook"):
        pack("x.ipynb")


def test_from_the_terminal(place, tmp_path, capsys):
    assert cli.main(["pack", "n.ipynb", "out.zip"]) == 0
    assert cli.main(["unpack", "out.zip", str(tmp_path / "there")]) == 0
    assert capsys.readouterr().out.split() == ["out.zip", str(tmp_path / "there" / "n.ipynb")]
    assert cli.main(["unpack", "none.zip"]) == 1


# Opening


def zipped(path, files, **kinds):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files:
            member = zipfile.ZipInfo(name)
            member.external_attr = kinds.get("mode", stat.S_IFREG | 0o644) << 16
            member.compress_type = kinds.get("compression", zipfile.ZIP_STORED)
            archive.writestr(member, content)
    return path


NOTEBOOK = ("n.ipynb", "{}")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "takes/../../evil.json",
        "/tmp/evil.json",
        "takes//evil.json",
        "C:/evil.json",
        "takes\\..\\evil.json",
        ".ipython/profile_default/startup/evil.json",
        "takes/.hidden.json",
        "sitecustomize.py",
        "takes/json.so",
        "takes/evil.json ",
        "CON.json",
        "a" * 2000,
        "two.ipynb",
        "sub/three.ipynb",
        "N.ipynb",
    ],
)
def test_what_leads_elsewhere_or_could_run_is_refused_whole(tmp_path, name):
    archive = zipped(tmp_path / "x.zip", [NOTEBOOK, ("takes/a.mp4", b"x"), (name, b"evil")])
    with pytest.raises(PackError, match=r"nothing was unpacked|not what pack makes"):
        unpack(archive, tmp_path / "there")
    assert not (tmp_path / "there").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]


def test_links_are_refused(tmp_path):
    archive = zipped(tmp_path / "x.zip", [NOTEBOOK], mode=stat.S_IFLNK | 0o777)
    with pytest.raises(PackError, match="a link or a device"):
        unpack(archive, tmp_path / "there")


def test_a_link_in_the_folder_does_not_lead_out_of_it(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "there" / "takes").symlink_to(tmp_path / "outside")
    archive = zipped(tmp_path / "x.zip", [NOTEBOOK, ("takes/a.mp4", b"x")])
    with pytest.raises(PackError, match="leave the folder there by a link"):
        unpack(archive, tmp_path / "there")
    assert list((tmp_path / "outside").iterdir()) == []
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["takes"]


def test_a_bomb_is_refused_before_anything_is_written(tmp_path):
    zeros = bytes(20_000_000)
    archive = zipped(tmp_path / "x.zip", [NOTEBOOK, ("takes/a.mp4", zeros)], compression=zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 100_000
    with pytest.raises(PackError, match="2 files with 20 MB, more than a notebook has"):
        unpack(archive, tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
def test_a_torn_file_leaves_nothing(place, tmp_path, cut):
    whole = pack("n.ipynb").read_bytes()
    (tmp_path / "torn.zip").write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(PackError, match="not whole"):
        unpack(tmp_path / "torn.zip", tmp_path / "there")
    assert not list((tmp_path / "there").glob("*"))


def test_one_wrong_byte_is_found(tmp_path):
    archive = zipped(tmp_path / "x.zip", [NOTEBOOK, ("takes/a.mp4", b"abcdefgh" * 100)])
    archive.write_bytes(archive.read_bytes().replace(b"abcdefgh" * 2, b"abcdefgx" * 2, 1))
    with pytest.raises(PackError, match="not whole"):
        unpack(archive, tmp_path / "there")
    assert not list((tmp_path / "there").iterdir())


def test_nothing_that_is_there_is_written_over(place, tmp_path):
    archive, there = pack("n.ipynb"), tmp_path / "there"
    there.mkdir()
    (there / "n.ipynb").write_text("mine")
    with pytest.raises(PackError, match=r"Another n\.ipynb is there already"):
        unpack(archive, there)
    assert [path.name for path in there.iterdir()] == ["n.ipynb"]
    assert (there / "n.ipynb").read_text() == "mine"


def test_twice_is_as_once(place, tmp_path):
    archive = pack("n.ipynb")
    assert unpack(archive, tmp_path / "there") == unpack(archive, tmp_path / "there")


def test_a_folder_that_cannot_be_written_is_told(place, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PackError, match=r"can't be unpacked into file"):
        unpack(pack("n.ipynb"), tmp_path / "file")


def test_an_archive_without_a_notebook_is_none_of_ours(tmp_path):
    with pytest.raises(PackError, match="not what pack makes"):
        unpack(zipped(tmp_path / "x.zip", [("a.json", "{}")]), tmp_path / "there")
