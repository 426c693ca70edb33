"""Takes from a terminal: made, listed, shown, copied and let go."""

import json
from pathlib import Path

import pytest

from comfy_widgets import cli, cli_run
from comfy_widgets.cache import TakeCache
from comfy_widgets.demo import DemoServer
from comfy_widgets.marks import Marks
from comfy_widgets.pruning import size
from tests.lib.graphs import wan

pytestmark = pytest.mark.slow


@pytest.fixture
def server():
    with DemoServer(step_seconds=0.0) as server:
        yield server


@pytest.fixture
def make(server, tmp_path, capfd):
    """Make a take as a person does in a terminal; its path."""
    path = tmp_path / "wan.json"
    path.write_text(json.dumps(wan()))

    def run(*inputs):
        code = cli.main(["run", str(path), *inputs, "--url", server.url, "--folder", str(tmp_path / "takes")])
        said = capfd.readouterr()
        return code, said.out.strip(), said.err

    return run


def test_a_take_is_made_and_found_again(make, server):
    code, path, _ = make("prompt=a lighthouse", "seed=7", "cfg=5")
    assert code == 0
    assert path.endswith(".mp4")
    assert make("prompt=a lighthouse", "seed=7", "cfg=5")[1] == path
    assert server.journal.posts("/prompt") == 1


def test_options_and_inputs_stand_in_any_order(make, server, tmp_path, capfd):
    path = make("prompt=a lighthouse", "seed=7")[1]
    takes, wan = str(tmp_path / "takes"), str(tmp_path / "wan.json")
    for arguments in (
        [wan, "--set", "prompt=a lighthouse", "--set", "seed=7", "--url", server.url, "--cache", takes],
        ["--url", server.url, wan, "seed=7", "--cache", takes, "prompt=a lighthouse"],
        [wan, "--url", server.url, "seed=7", "--folder", takes, "--set", "prompt=a lighthouse"],
    ):
        assert cli.main(["run", *arguments]) == 0
        assert capfd.readouterr().out.strip() == path
    assert server.journal.posts("/prompt") == 1


def test_an_input_without_a_name_is_set_by_its_address(make, tmp_path):
    assert make("KSampler.steps=3", "seed=7", "3.sampler_name=euler")[0] == 0
    [take] = TakeCache(tmp_path / "takes").takes()
    [sampler] = [node["inputs"] for node in take.graph.values() if node["class_type"] == "KSampler"]
    assert (sampler["steps"], sampler["seed"], sampler["sampler_name"]) == (3, 7, "euler")
    code, _, said = make("3.stepz=3")
    assert code == 1
    assert "Did you mean 3.steps?" in said


def test_the_server_is_given_once(tmp_path, capfd):
    with pytest.raises(SystemExit):
        cli.main(["run", "wan.json", "--demo", "--url", "http://127.0.0.1:1"])
    assert "not allowed with" in capfd.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_a_server_that_went_silent_is_said(server, tmp_path, monkeypatch, capfd, terminal):
    monkeypatch.setattr(cli_run, "STALE_SECONDS", 1.0)
    monkeypatch.setattr(cli_run, "_is_still", lambda _console: not terminal)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    path = tmp_path / "wan.json"
    path.write_text(json.dumps(wan()))
    server.inject("loop:stall=3@KSampler")
    assert cli.main(["run", str(path), "--url", server.url, "--folder", str(tmp_path / "takes")]) == 0
    assert "no news for" in capfd.readouterr().err


def test_an_option_that_is_unknown_is_told(tmp_path, capfd):
    for arguments in (["run", "wan.json", "--sed", "7"], ["takes", "--cache", str(tmp_path), "list", "more"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 2
        assert "unrecognized arguments: " in capfd.readouterr().err


def test_the_environment_says_where_the_server_and_the_takes_are(server, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMFY_URL", server.url)
    monkeypatch.setenv("COMFY_WIDGETS_CACHE", "takes/nightly")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("FORCE_COLOR", "1")
    Path("wan.json").write_text(json.dumps(wan()))
    assert cli.main(["run", "wan.json", "seed=7"]) == 0
    out, err = capfd.readouterr()
    assert Path(out.strip()).parent.as_posix() == "takes/nightly"
    assert err == ""
    assert cli.main(["takes"]) == 0
    assert "1 take, " in capfd.readouterr().out


def test_what_is_wrong_is_said_in_a_line(make):
    code, out, err = make("promt=x")
    assert (code, out) == (1, "")
    assert "Did you mean 'prompt'?" in err
    assert "'seed' is given twice. Leave one out." in make("seed=1", "--set", "seed=2")[2]
    assert make("--set", "seed")[2].strip().endswith("Write NAME=VALUE, such as seed=7.")


def test_takes_are_listed_shown_and_copied(make, tmp_path, capfd):
    path = make("prompt=[red] hill", "seed=1")[1]
    folder = str(tmp_path / "takes")
    assert cli.main(["takes", "--folder", folder]) == 0
    listed = capfd.readouterr().out
    assert "1 take, " in listed
    assert "320 × 192" in listed
    key = next(iter(TakeCache(folder).takes())).key
    assert cli.main(["takes", "--folder", folder, "show", key[:8]]) == 0
    assert json.loads(capfd.readouterr().out)["inputs"]["seed"] == 1
    assert cli.main(["takes", "--folder", folder, "export", key[:8], str(tmp_path / "out.mp4")]) == 0
    assert (tmp_path / "out.mp4").read_bytes() == Path(path).read_bytes()
    assert cli.main(["takes", "--folder", folder, "show", "nothing"]) == 1
    assert "No take in" in capfd.readouterr().err


def test_of_several_that_fit_none_is_chosen(make, tmp_path, capfd):
    folder, out = str(tmp_path / "takes"), str(tmp_path / "out.mp4")
    for seed in (1, 2):
        make("prompt=dusk", f"seed={seed}")
    name = TakeCache(folder).takes()[0].path.name
    assert cli.main(["takes", "--folder", folder, "export", "dusk", out]) == 1
    told = " ".join(capfd.readouterr().err.split())
    assert "2 takes in" in told
    assert "Give more of the name" in told
    assert not Path(out).exists()
    assert cli.main(["takes", "--folder", folder, "export", name, out]) == 0


def test_the_oldest_go_first_and_favourites_stay(make, tmp_path):
    cache = TakeCache(tmp_path / "takes")
    for seed in (1, 2, 3):
        make(f"seed={seed}")
    for place, take in enumerate(sorted(cache.takes(), key=lambda take: take.inputs["seed"])):
        sidecar = take.path.with_suffix(".json")
        told = json.loads(sidecar.read_text())
        sidecar.write_text(json.dumps(told | {"made": f"2026-01-0{place + 1}T00:00:00+00:00"}))
    oldest, middle, newest = cache.takes()
    Marks(cache.folder).set_favourite(oldest.handle, on=True)
    assert cache.size() == size([oldest, middle, newest])
    room = size([oldest, newest])
    assert [take.inputs["seed"] for take in cache.prune(max_bytes=room)] == [2]
    assert [take.inputs["seed"] for take in cache.takes()] == [1, 3]
    assert not middle.path.exists()
    assert not middle.poster.exists()
    assert cache.prune(max_bytes=room) == []
    assert [take.inputs["seed"] for take in cache.prune(max_bytes=0)] == [3]
    assert [take.inputs["seed"] for take in cache.prune(max_bytes=0, keep_favourites=False)] == [1]
    assert [path for path in cache.folder.iterdir() if path.suffix in {".mp4", ".jpg"}] == []


def test_sizes_are_read_as_people_write_them(tmp_path, capfd):
    (tmp_path / "takes").mkdir()
    assert cli.main(["takes", "--folder", str(tmp_path / "takes"), "prune", "--max", "1.5GB"]) == 0
    assert "0 takes, 0.0 MB stay" in capfd.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["takes", "--folder", str(tmp_path), "prune", "--max", "much"])
    assert "is no size; write it as 20GB" in capfd.readouterr().err
