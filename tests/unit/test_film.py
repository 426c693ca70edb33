"""Takes joined to a film: copied where they agree, else encoded again; as long as they are together."""

from array import array

import av
import pytest

from comfy_widgets import film, media
from comfy_widgets.errors import CacheError, FetchFailed, InputFileError
from tests.browser.clips import clip


def frames(path):
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def sound(path, seconds):
    """Give a clip a tone."""
    silent = path.with_name("silent.mp4")
    path.rename(silent)
    with av.open(str(silent)) as source, av.open(str(path), "w", format="mp4") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        audio = target.add_stream("aac", rate=44_100, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                target.mux(packet)
        for at in range(0, round(seconds * 44_100), 1024):
            frame = av.AudioFrame("fltp", "mono", 1024)
            frame.planes[0].update(b"\x00\x00\x80\x3e" * 1024)
            frame.pts, frame.sample_rate = at, 44_100
            target.mux(audio.encode(frame))
        target.mux(audio.encode())
    return path


def test_takes_that_agree_are_copied(tmp_path):
    paths = [clip(tmp_path / f"{n}.mp4", seconds=n, size="160x96") for n in (1, 2, 1)]
    told = []
    assert film.join(paths, tmp_path / "film.mp4", told.append) is True
    probe = media.probe(tmp_path / "film.mp4")
    assert (probe.seconds, probe.frames, probe.codec) == (pytest.approx(4), 96, "h264")
    times = frames(tmp_path / "film.mp4")
    assert times == pytest.approx([n / 24 for n in range(96)], abs=0.001)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize(
    "other", [{"size": "200x120"}, {"size": "120x200"}, {"fps": 12}], ids=["larger", "upright", "slower"]
)
def test_others_are_encoded_to_one_size_and_rate(tmp_path, other):
    paths = [
        clip(tmp_path / "a.mp4", seconds=1, size="160x96"),
        clip(tmp_path / "b.mp4", **{"seconds": 2, "size": "160x96"} | other),
    ]
    assert film.join(paths, tmp_path / "film.mp4") is False
    probe = media.probe(tmp_path / "film.mp4")
    assert (probe.seconds, probe.frames, probe.fps) == (pytest.approx(3), 72, 24)
    assert f"{probe.width}x{probe.height}" == other.get("size", "160x96")
    assert frames(tmp_path / "film.mp4") == pytest.approx([n / 24 for n in range(72)], abs=0.001)


def test_where_one_is_silent_the_others_are_still_heard(tmp_path):
    paths = [
        clip(tmp_path / "a.mp4", seconds=1, size="160x96"),
        sound(clip(tmp_path / "b.mp4", seconds=1, size="160x96"), 1),
    ]
    assert film.join(paths, tmp_path / "film.mp4") is True
    with av.open(str(tmp_path / "film.mp4")) as container:
        loud = [
            float(frame.time) for frame in container.decode(audio=0) if max(array("f", bytes(frame.planes[0]))) > 0.1
        ]
        assert float(container.streams.video[0].duration * container.streams.video[0].time_base) == pytest.approx(2)
    assert min(loud) == pytest.approx(1, abs=0.1)
    assert max(loud) == pytest.approx(2, abs=0.1)


def test_sound_stays_with_its_pictures(tmp_path):
    paths = [sound(clip(tmp_path / f"{n}.mp4", seconds=1, size="160x96"), 1) for n in (1, 2)]
    assert film.join(paths, tmp_path / "film.mp4") is True
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.streams.audio[0].duration * container.streams.audio[0].time_base == pytest.approx(2, abs=0.1)


def test_the_film_before_stays_when_one_is_torn(tmp_path):
    whole, torn, into = clip(tmp_path / "a.mp4", seconds=1, size="160x96"), tmp_path / "b.mp4", tmp_path / "film.mp4"
    torn.write_bytes(whole.read_bytes()[:500])
    into.write_bytes(b"before")
    with pytest.raises(FetchFailed, match=r"b\.mp4 can't be read"):
        film.join([whole, torn], into)
    with pytest.raises(InputFileError, match="nothing to join"):
        film.join([], into)
    assert into.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4", "film.mp4"]


def test_a_folder_that_is_a_file(tmp_path):
    whole = clip(tmp_path / "a.mp4", seconds=1, size="160x96")
    (tmp_path / "films").mkdir()
    for into, words in ((whole / "film.mp4", "film.mp4"), (tmp_path / "films", "films can't be written")):
        with pytest.raises(CacheError, match=words) as caught:
            film.join([whole], into)
        assert caught.value.hint == "Choose another place."
