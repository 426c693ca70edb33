"""What a local file is, before it goes to a server: only what surely can't be read is told."""

import pytest

from comfy_widgets.input_files import looked_at
from comfy_widgets.workflow import InputFile
from tests.tracker.test_a_take import png


def look(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    # Equal names are equal content, wherever; here each test has a name of its own.
    file = InputFile(f"cw_{hash(content)}.png", path)
    return {name: told.kind for name, told in looked_at([file]).items()}.get(file.name, "left out")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", b"<!DOCTYPE html><html>404</html>" * 20, b"version https://git-lfs", b"\x89PNG\r\n\x1a\n"],
)
def test_what_is_no_picture_is_seen(tmp_path, content):
    assert look(tmp_path, content) is None


def test_a_picture_is_one_whole_and_not_by_its_name(tmp_path):
    assert look(tmp_path, png()) == "image"
    assert look(tmp_path, png()[:-40]) is None


@pytest.mark.parametrize("content", [b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 30, b"\0\0\0\x1cftypheic" + b"\0" * 30])
def test_what_only_the_server_may_read_is_left_to_it(tmp_path, content):
    assert look(tmp_path, content) == "left out"


def test_a_file_that_is_gone_is_left_to_the_upload(tmp_path):
    assert looked_at([InputFile("cw_gone.png", tmp_path / "gone.png")]) == {}
