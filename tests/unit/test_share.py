"""A page that stands alone."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from comfy_widgets import export_html, share
from comfy_widgets.errors import ComfyWidgetsError, InputFileError
from comfy_widgets.jobs import JobStatus
from comfy_widgets.widgets import Compare, Gallery, QueueBadge, VideoPlayer
from tests.unit.test_widgets_kit import Kit

NASTY = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.fixture
def kit(tmp_path, monkeypatch):
    return Kit(tmp_path, monkeypatch)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def exported(obj, tmp_path):
    path = export_html(obj, tmp_path / "page.html")
    return Page(path.read_text("utf-8"))


def test_the_video_is_in_the_page_and_nothing_is_fetched(kit, tmp_path):
    data = bytes(range(256)) * 5000
    page = exported(kit.take(data, poster=b"\xff"), tmp_path)
    [video] = page.all("video")
    head, _, body = video["src"].partition(",")
    assert head == "data:video/mp4;base64"
    assert base64.b64decode(body) == data
    assert video["poster"].startswith("data:image/jpeg;base64,")
    assert {"controls", "loop"} <= set(video)
    [policy] = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'")
    assert not page.all("script")
    assert not page.all("link")


def test_a_file_larger_than_a_piece_is_whole(kit, tmp_path, monkeypatch):
    monkeypatch.setattr(share, "_PIECE", 3)
    [video] = exported(kit.take(b"0123456789"), tmp_path).all("video")
    assert base64.b64decode(video["src"].partition(",")[2]) == b"0123456789"


def test_strings_are_text(kit, tmp_path):
    take = kit.take(shot=NASTY, inputs={"prompt": NASTY, NASTY: NASTY})
    page = exported(take, tmp_path)
    assert not page.all("img")
    assert not page.all("script")
    assert page.text.count(NASTY) == 5
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("kind", ["gallery", "compare", "list", "film", "batch", "jobs"])
async def test_what_has_takes_can_be_exported(kit, tmp_path, kind):
    takes = [kit.take(b"a"), kit.take(b"b", take_number=2)]

    named = dict(zip("ab", takes, strict=True))
    things = {
        "gallery": Gallery(takes),
        "compare": Compare(*takes),
        "list": takes,
        "film": SimpleNamespace(title="Lighthouse", chosen=named, takes=()),
        "batch": SimpleNamespace(takes=named),
        "jobs": [kit.job(status=JobStatus.COMPLETE, take=take) for take in takes],
    }
    page = exported(things[kind], tmp_path)
    assert len(page.all("video")) == 2
    assert "2 takes" in page.text


async def test_a_job_without_a_take_is_its_request(kit, tmp_path):
    page = exported(kit.job(status=JobStatus.RUNNING), tmp_path)
    assert not page.all("video")
    assert "A lighthouse at dusk" in page.text


def test_a_picture_and_another_file(kit, tmp_path):
    picture = kit.take(kind="image", media_type="image/png")
    page = exported([picture, kit.take(take_number=2, kind="other", media_type="application/zip")], tmp_path)
    assert [image["src"] for image in page.all("img")] == ["data:image/png;base64," + base64.b64encode(b"mp4").decode()]
    assert len(page.all("figure")) == 2


def test_a_sound_is_heard_and_another_file_is_named(kit, tmp_path):
    sound = kit.take(b"flac", kind="audio", media_type="audio/flac")
    other = kit.take(take_number=2, kind="other", media_type="application/zip")
    page = exported([sound, other], tmp_path)
    [audio] = page.all("audio")
    assert audio["src"] == "data:audio/flac;base64," + base64.b64encode(b"flac").decode()
    assert "controls" in audio
    assert other.path.name in page.text
    assert sound.path.name not in page.text


def test_the_other_files_of_a_job_follow_their_take_once(kit, tmp_path):
    picture = kit.take(b"png", take_number=2, kind="image", media_type="image/png")
    table = kit.take(b"csv", take_number=3, kind="other", media_type="text/csv")
    take = replace(kit.take(b"one"), also=(picture, table))
    after = kit.take(b"two", take_number=4)
    page = exported([take, picture, after], tmp_path)
    shown = [tag for tag, _ in page.tags if tag in {"video", "img", "figure"}]
    assert shown == ["figure", "video", "figure", "img", "figure", "figure", "video"]
    assert [image["alt"] for image in page.all("img")] == [f"{take.title}, 2: image"]
    assert [name in page.text for name in ("1: video", "2: image", "3: other", table.path.name)] == [True] * 4
    assert page.text.count("A lighthouse at dusk") == 2


def test_a_prompt_that_has_no_utf8_is_written(kit, tmp_path):
    page = exported(kit.take(inputs={"prompt": "half \ud83d a face"}), tmp_path)
    assert "half \\ud83d a face" in page.text


@pytest.mark.parametrize("name", ["pa\0ge.html", "fol\0der/page.html"])
def test_a_path_that_no_file_can_have(kit, tmp_path, name):
    with pytest.raises(InputFileError, match=r"is no name for a file\. Give the page a name"):
        export_html(kit.take(), tmp_path / name)


def test_a_folder_that_is_missing_is_named(kit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ComfyWidgetsError, match=r"^missing.lighthouse\.html can't be written: No such file"):
        export_html(kit.take(), "missing/lighthouse.html")


def test_what_shows_one_take_exports_it(kit, tmp_path):
    take = kit.take()
    job = kit.job(status=JobStatus.COMPLETE, take=take)
    for shown in (VideoPlayer(take), VideoPlayer(job), QueueBadge(job)):
        assert len(exported(shown, tmp_path).all("video")) == 1


@pytest.mark.parametrize("nothing", [[], Gallery([])])
def test_nothing_to_export(tmp_path, nothing):
    with pytest.raises(InputFileError, match="no take to export"):
        export_html(nothing, tmp_path / "page.html")


def test_what_has_no_takes(tmp_path):
    with pytest.raises(InputFileError, match=r"no takes in int 3\..*a gallery"):
        export_html(3, tmp_path / "page.html")


def test_a_file_that_is_gone_leaves_no_half_page(kit, tmp_path):
    before = tmp_path / "page.html"
    before.write_text("before")
    take = kit.take()
    take.path.unlink()
    with pytest.raises(InputFileError, match="cannot be read"):
        export_html(take, before)
    assert before.read_text() == "before"
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_a_folder_is_no_page(kit):
    with pytest.raises(InputFileError, match=r"a folder.*Give the page a name"):
        export_html(kit.take(), ".")


def test_a_folder_that_is_none(kit, tmp_path):
    with pytest.raises(ComfyWidgetsError, match="another place"):
        export_html(kit.take(), kit.take().path / "page.html")


def test_the_page_names_no_folder(kit, tmp_path):
    path = export_html(kit.take(), tmp_path / "page.html")
    assert not re.search(re.escape(str(tmp_path)), path.read_text())
