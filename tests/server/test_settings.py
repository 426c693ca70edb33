"""Settings that cannot be are refused with what to give instead."""

from pathlib import Path

import httpx
import pytest

from comfy_widgets import cli
from comfy_widgets.demo import DemoServer, Settings, serve
from comfy_widgets.errors import DemoError


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"release": "bogus"}, r"no release 'bogus'\. Choose one of 0\.3\.64, newest, cloud"),
        ({"key_on": "sockets"}, r"no key_on 'sockets'\. Choose one of http, socket, both"),
        ({"port": 99999}, r"port cannot be 99999\. Give a whole number from 0 to 65535"),
        ({"port": -1}, "port cannot be -1"),
        ({"port": "8188"}, "port cannot be '8188'"),
        ({"step_seconds": -1}, r"step_seconds cannot be -1\. Give a number from 0\."),
        ({"step_seconds": float("nan")}, "step_seconds cannot be nan"),
        ({"seed": None}, r"seed cannot be None\. Give a whole number\."),
        ({"seed": True}, "seed cannot be True"),
        ({"max_upload": 0}, "max_upload cannot be 0"),
        ({"history_limit": 1.5}, "history_limit cannot be 1.5"),
    ],
)
def test_what_cannot_be_is_refused(given, told):
    with pytest.raises(DemoError, match=told):
        Settings(**given)
    with pytest.raises(DemoError, match=told):
        DemoServer(**given)


def test_one_fault_and_a_list_of_them_are_taken(tmp_path):
    one = Settings(faults="ws:cut@7", folder=tmp_path)
    assert one == Settings(faults=["ws:cut@7"], folder=str(tmp_path))
    assert hash(one) == hash(Settings.from_json(one.to_json()))
    assert [fault.text for fault in DemoServer(one).faults.all] == ["ws:cut@7"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    with pytest.raises(DemoError, match=r"cannot keep its files in .*x: .*\. Choose another folder"):
        DemoServer(folder=file / "x").start()


@pytest.mark.parametrize("host", ["203.0.113.1", "a" * 70])
def test_a_host_that_is_not_here_is_said(host, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(DemoError, match=rf"Cannot listen on {host}:0: .*\. Choose another host"):
        DemoServer(host=host).start()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [["--port", "99999"], ["--folder", str(Path(__file__) / "x"), "--port", "0"]])
def test_serve_says_it_in_two_sentences(options, capsys):
    assert cli.main(["serve", *options]) == 1
    told = capsys.readouterr().err
    assert told.startswith("comfy-widgets: The embedded server")
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("options", "wanted"), [([], None), (["--key", "sesame"], "sesame"), (["--release", "cloud"], "demo")]
)
def test_serve_demands_the_key_that_it_was_given(options, wanted):
    settings = serve.settings_of(serve.parser().parse_args(["--port", "0", *options]))
    with DemoServer(settings) as server:
        told = [
            httpx.get(f"{server.url}/api/queue", headers={"X-API-Key": key}).status_code
            for key in ("", "demo", "sesame")
        ]
    assert told == [200 if wanted in {None, key} else 401 for key in ("", "demo", "sesame")]
