"""A folder of takes from a terminal, without a server."""

import json
import sys

import pytest

from comfy_widgets import cli
from comfy_widgets.cache import TakeCache
from tests.lib.takes import another, parts, take


@pytest.fixture
def cache(tmp_path):
    return TakeCache(tmp_path / "takes")


@pytest.fixture
def keep(cache):
    """Keep a take that only its number tells from others."""

    def kept(number=1, **changes):
        fields = {"key": another(number), "shot": f"shot-0{number}", "made": f"2026-11-0{number}T10:00:00+00:00"}
        made = take(cache.folder, **fields | changes)
        cache.keep(made, parts(made))
        return cache.find(made.key)

    return kept


@pytest.fixture
def takes(cache, capsys):
    """What `comfy-widgets takes` says, and its exit code."""

    def run(*arguments):
        try:
            code = cli.main(["takes", "--folder", str(cache.folder), *map(str, arguments)])
        except SystemExit as left:
            code = left.code
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return run


@pytest.fixture
def terminal(monkeypatch):
    """Let somebody sit at a terminal who gives this answer; the questions they are asked."""

    def sits(answer):
        asked = []
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
        for stream in (sys.stdin, sys.stdout):
            monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
        return asked

    return sits


@pytest.mark.parametrize("size", ["20", "1", "1.5", "-1", "infGB", "much"])
def test_a_size_without_its_unit_removes_nothing(keep, takes, size):
    kept = keep()
    code, _, told = takes("prune", f"--max={size}", "--yes")
    assert code == 2
    assert f"{size!r} is no size; write it as 20GB or 500MB." in told
    assert kept.path.exists()


@pytest.mark.parametrize(("answer", "goes"), [("", False), ("n", False), ("y", True), (" Yes ", True)])
def test_who_sits_at_a_terminal_is_asked_first(keep, takes, terminal, answer, goes):
    kept = [keep(number).path for number in (1, 2)]
    asked = terminal(answer)
    code, told, _ = takes("prune", "--max", "0")
    assert code == (0 if goes else 1)
    assert asked == ["Remove 2 takes, 0.0 MB? [y/N] "]
    assert told.splitlines()[:2] == [path.name for path in kept]
    assert [path.exists() for path in kept] == [not goes] * 2


def test_nobody_is_asked_about_nothing_nor_who_said_yes(keep, takes, terminal):
    kept = keep()
    asked = terminal("n")
    assert takes("prune", "--max", "1GB")[0] == 0
    assert kept.path.exists()
    assert takes("prune", "--max", "0", "--yes")[0] == 0
    assert asked == []
    assert not kept.path.exists()


def test_a_script_is_not_asked(keep, takes):
    kept = keep()
    assert takes("prune", "--max", "0")[0] == 0
    assert not kept.path.exists()


def test_a_take_is_found_by_the_path_that_run_prints(keep, takes, tmp_path):
    first, second = keep(1), keep(2)
    code, told, _ = takes("show", second.path)
    assert (code, json.loads(told)["key"]) == (0, second.key)
    assert takes("export", f"elsewhere/{first.path.name}", tmp_path / "out.mp4")[0] == 0
    code, _, told = takes("show", "takes/another.mp4")
    assert (code, "begins with 'another.mp4'" in told) == (1, True)


@pytest.mark.parametrize("into", ["out.mp4", "."])
def test_a_file_that_is_there_is_not_replaced_unless_asked(keep, takes, monkeypatch, tmp_path, into):
    monkeypatch.chdir(tmp_path)
    kept = keep()
    there = tmp_path / (kept.path.name if into == "." else into)
    there.write_bytes(b"mine")
    code, _, told = takes("export", kept.key, into)
    assert (code, f"{there.name} is there already. Give another name, or --force." in told) == (1, True)
    assert there.read_bytes() == b"mine"
    assert takes("export", kept.key, into, "--force")[:2] == (0, f"{there.name}\n")
    assert there.read_bytes() == kept.path.read_bytes()


LONG = f"{'a-long-name-' * 8}_{another(2)[:12]}.mp4"


def test_a_long_name_leaves_the_other_columns_their_width(keep, takes, terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")  # no colours, 80 columns
    terminal("")
    short, long = keep(1), keep(2, scene="film", path=keep(1).path.with_name(LONG))
    code, told, _ = takes("list")
    head, *lines = told.splitlines()[:-1]
    assert (code, max(map(len, lines)) <= 80) == (0, True)
    starts = [line for line in lines if line.startswith("2026")]
    assert [line.split()[:4] for line in starts] == [
        [take.made[:10], take.made[11:16], take.scene, take.shot] for take in (short, long)
    ]
    assert "".join(line[head.index("file") :].strip() for line in lines) == short.path.name + long.path.name


def test_in_a_pipe_each_take_is_one_line(keep, takes, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    kept = [keep(1), keep(2, path=keep(1).path.with_name(LONG))]
    lines = takes("list")[1].splitlines()
    assert len(lines) == 4
    assert [line.split()[-1] for line in lines[1:3]] == [take.path.name for take in kept]
    assert all("320 × 192, 49 frames at 24 fps, 2.0 s" in line for line in lines[1:3])
