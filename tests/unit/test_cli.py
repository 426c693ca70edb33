"""The command line: what it runs, what it says, and its exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from comfy_widgets import cli
from comfy_widgets.cache import TakeCache
from comfy_widgets.demo import serve as serving
from comfy_widgets.errors import DemoError, ServerUnreachable
from comfy_widgets.media import Probe
from tests.lib.takes import another, parts, take

PLAYABLE = Probe("video", "video/mp4", width=320, height=192, fps=24.0, frames=49, seconds=2.0, codec="h264")


@pytest.fixture
def ran(monkeypatch):
    """The commands that would have been started."""
    commands = []

    def run(command, **_options):
        commands.append(command)
        return subprocess.CompletedProcess(command, 7)

    monkeypatch.setattr(cli.subprocess, "run", run)
    return commands


@pytest.fixture
def check(monkeypatch):
    """`demo --check` whose notebook keeps these takes and says this; what media says of them is `probes`."""

    def prepare(numbers, trouble=None, probes=None):
        def run_notebook(path, folder):
            assert path.name == cli._FIRST
            assert list(folder.iterdir()) == []
            folder = folder / "01_first_take"
            folder.mkdir()
            for number in numbers:
                made = take(
                    folder, key=another(number), shot=f"shot-0{number}", made=f"2026-11-0{number}", render_seconds=1.25
                )
                TakeCache(folder).keep(made, parts(made))
            return trouble

        told = iter(probes or [PLAYABLE] * len(numbers))
        monkeypatch.setattr(cli, "_run_notebook", run_notebook)
        monkeypatch.setattr(cli.media, "probe", lambda _path: next(told))
        return cli.main(["demo", "--check"])

    return prepare


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["demo", "--unknown"], ["serve", "--port", "x"]])
def test_a_wrong_command_line_explains_itself(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: comfy-widgets" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["serve", "--help"]])
def test_help_is_no_error(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: comfy-widgets")


def test_an_error_is_one_line_on_stderr_however_long(monkeypatch, capsys):
    hint = "Install it: pip install 'comfy-widgets[demo]' " + "and so on " * 20

    def fail(_options):
        raise ServerUnreachable("Nobody answers at [red]http://x[/red].", hint=hint)

    monkeypatch.setattr(cli, "_serve", fail)
    assert cli.main(["serve"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"comfy-widgets: Nobody answers at [red]http://x[/red]. {hint}\n"


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("Start ComfyUI, or pass its address: Studio('http://host:8188').", "address: --url http://host:8188."),
        ("Pass its key: Studio(url, api_key=…), or a header.", "COMFY_API_KEY, beside the address in COMFY_URL, or"),
        ("Choose one: workflow.bind(seed='9.seed').", "Choose one: --set 9.seed=…."),
        ("Submit it again: job.resubmit().", "Submit it again by the same command."),
        ("Check the path and the notebook's folder.", "Check the path."),
    ],
)
def test_hints_are_said_as_one_types_them_here(hint, said, monkeypatch, capsys):
    def fail(_options):
        raise ServerUnreachable("It went wrong.", hint=hint)

    monkeypatch.setattr(cli, "_serve", fail)
    assert cli.main(["serve"]) == 1
    assert said in capsys.readouterr().err


def test_ctrl_c_ends_quietly(monkeypatch, capsys):
    def interrupted(_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_serve", interrupted)
    assert cli.main(["serve"]) == 130
    assert capsys.readouterr() == ("", "")


# serve


def test_serve_passes_its_options_on_and_says_where(monkeypatch, capsys):
    served = []

    def serve(settings, *, announce):
        served.append(settings)
        announce("http://127.0.0.1:1234")

    monkeypatch.setattr(serving, "serve", serve)
    assert cli.main(["serve", "--port", "0", "--step-seconds", "0.5"]) == 0
    assert (served[0].port, served[0].step_seconds) == (0, 0.5)
    assert capsys.readouterr().out == "ComfyUI, simulated, at http://127.0.0.1:1234\n"


@pytest.mark.parametrize("fault", ["nonsense", "=1"])
def test_a_fault_that_cannot_be_read_is_named(fault, capsys):
    assert cli.main(["serve", "--port", "0", "--fault", fault]) == 1
    assert fault in capsys.readouterr().err


# demo


def test_demo_opens_jupyterlab_on_the_first_notebook(ran):
    assert cli.main(["demo"]) == 7
    (command,) = ran
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert Path(command[3]).is_file()
    assert Path(command[3]).name == cli._FIRST
    # What Jupyter prints leads there too.
    assert command[4].endswith(f"default_url=/lab/tree/{cli._FIRST}")


@pytest.mark.parametrize(("user", "told"), [(0, True), (1000, False)])
def test_jupyter_is_told_that_root_is_meant(ran, monkeypatch, user, told):
    monkeypatch.setattr(cli.os, "geteuid", lambda: user, raising=False)
    cli.main(["demo"])
    assert ("--allow-root" in ran[0]) is told


@pytest.mark.parametrize("missing", ["jupyterlab", "aiohttp"])
def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys, missing):
    find = cli.importlib.util.find_spec
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    assert cli.main(["demo", "--check"]) == 1
    assert f"The demo needs {missing}. Install it: pip install 'comfy-widgets[demo]'." in capsys.readouterr().err


def test_the_base_package_has_a_command_line_without_the_extra():
    """Its script is installed with it, also where aiohttp and JupyterLab are not."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(['aiohttp', 'jupyterlab']);"
        "from comfy_widgets.cli import main; sys.exit(main(['serve', '--port', '0']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("comfy-widgets: The embedded server needs aiohttp.")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package as it is installed, away from its checkout, and an empty working folder."""
    package, here = tmp_path / "site-packages" / "comfy_widgets", tmp_path / "here"
    for folder in (package, here):
        folder.mkdir(parents=True)
    monkeypatch.setattr(cli, "__file__", str(package / "cli.py"))
    monkeypatch.chdir(here)
    return package


def test_an_installed_package_copies_its_notebooks_once(installed):
    (installed / "notebooks").mkdir()
    (installed / "notebooks" / cli._FIRST).write_text("one")
    first = cli._notebooks() / cli._FIRST
    assert first.read_text() == "one"
    first.write_text("mine")
    assert (cli._notebooks() / cli._FIRST).read_text() == "mine"


def test_a_copy_that_was_cut_short_is_made_whole(installed):
    (installed / "notebooks").mkdir()
    (installed / "notebooks" / cli._FIRST).write_text("one")
    cli._COPY.mkdir()
    assert (cli._notebooks() / cli._FIRST).read_text() == "one"


@pytest.mark.usefixtures("installed")
def test_a_package_without_notebooks_says_so():
    with pytest.raises(DemoError, match=r"can't be copied.*No such file.*checkout"):
        cli._notebooks()


# demo --check


def test_a_good_check_lists_its_takes_and_is_zero(check, capsys):
    assert check([1, 2]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("shot-01  complete  1.2 s  ")
    assert lines[0].endswith(".mp4  0.00 MB")
    assert Path(lines[1].split("  ")[3]).is_file()
    assert lines[-1].startswith("2 takes in ")


@pytest.mark.parametrize(
    "probe",
    [
        Probe("image", "image/png", codec="png"),
        Probe("video", "video/webm", codec="h264", frames=9),
        Probe("video", "video/mp4", codec="hevc", frames=9),
        Probe("video", "video/mp4", codec="h264", frames=0),
    ],
)
def test_one_take_that_does_not_play_is_a_failure(check, capsys, probe):
    assert check([1, 2], probes=[PLAYABLE, probe]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert ("complete" in lines[0], "not playable" in lines[1]) == (True, True)


def test_a_check_without_a_take_is_a_failure(check, capsys):
    assert check([]) == 1
    assert "made no take" in capsys.readouterr().out


def test_a_notebook_that_failed_is_a_failure_whatever_it_made(check, capsys):
    assert check([1], trouble="01_first_take.ipynb failed: [red]ValueError[/red]: no") == 1
    assert "failed: [red]ValueError[/red]: no" in capsys.readouterr().out
