"""The pure rules of ComfyUI's wire: events, looks, states, progress, answers."""

import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_widgets.comfyui import events, progress
from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.look import Place, places, record
from comfy_widgets.comfyui.replies import OutputFile, chosen_output, output_files, rejection, sentence_of
from comfy_widgets.comfyui.status import Remote, advance
from comfy_widgets.errors import ServerUnreachable
from tests.lib.graphs import wan


def frame(kind, **data):
    return json.dumps({"type": kind, "data": data})


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (frame("status", status={"exec_info": {"queue_remaining": 2}}), events.StatusChanged(2)),
        (frame("execution_start", prompt_id="p", timestamp=1), events.Started("p")),
        (frame("execution_cached", prompt_id="p", nodes=["1", "2"]), events.Cached("p", ("1", "2"))),
        (frame("executing", prompt_id="p", node="3"), events.Executing("p", "3")),
        (frame("executing", node="3"), events.Executing(None, "3")),
        (frame("executing", prompt_id="p", node=None), events.Over("p")),
        (frame("progress", prompt_id="p", node="3", value=2, max=4), events.Step("p", "3", 2.0, 4.0)),
        (frame("execution_error", prompt_id="p"), events.Ending("p", "execution_error")),
        (frame("executed", prompt_id="p", node="9", output=None), events.Executed("p", "9", {})),
        (frame("something_new", prompt_id="p"), None),
        ("not json", None),
        ("[]", None),
        (frame("progress", prompt_id="p"), None),
        (b"", None),
    ],
)
def test_frames_are_read(text, event):
    assert events.parse(text) == event


def test_previews_are_read_with_and_without_metadata():
    about = json.dumps({"prompt_id": "p", "display_node_id": "3", "image_type": "image/png"}).encode()
    plain = struct.pack(">II", 1, 1) + b"JPEG"
    told = struct.pack(">II", 4, len(about)) + about + b"PNG"
    assert events.parse(plain) == events.Preview(None, None, "image/jpeg", b"JPEG")
    assert events.parse(told) == events.Preview("p", "3", "image/png", b"PNG")
    assert events.parse(struct.pack(">II", 4, 999) + b"{") is None


def entry(number, prompt_id):
    return [number, prompt_id, {}, {}, []]


def test_positions_follow_the_heap_and_not_the_list():
    queue = {
        "queue_running": [entry(0, "r")],
        "queue_pending": [entry(7, "d"), entry(3.5, "b"), entry(-2, "a"), entry(5, "c"), entry(5, "bb")],
    }
    found = places(queue, {"b", "c", "r"})
    assert found == {
        "r": Place(Remote.RUNNING),
        "b": Place(Remote.QUEUED, 2, 2, 1),
        "c": Place(Remote.QUEUED, 4, 4, 2),
    }


@given(st.lists(st.tuples(st.floats(-50, 50) | st.integers(-50, 50), st.booleans()), max_size=30), st.booleans())
def test_positions_count_who_goes_before(pending, running):
    queue = {
        "queue_running": [entry(0, "r")] if running else [],
        "queue_pending": [entry(number, f"{n:03}") for n, (number, _) in enumerate(pending)],
    }
    ours = {f"{n:03}" for n, (_, mine) in enumerate(pending) if mine}
    for prompt_id, place in places(queue, ours).items():
        me = (pending[int(prompt_id)][0], prompt_id)
        before = [f"{n:03}" for n, (number, _) in enumerate(pending) if (number, f"{n:03}") < me]
        assert (place.position, place.ahead) == (len(before) + 1, len(before) + running)
        assert place.ahead_mine == len(ours & set(before))


@given(st.lists(st.sampled_from(Remote), max_size=20))
def test_states_only_go_forward_and_ends_stay(told):
    known, ended = Remote.SUBMITTED, None
    for news in told:
        after = advance(known, news)
        assert advance(after, known) is after
        if ended is not None:
            assert after is ended
        if after.over and after is not Remote.GONE:
            ended = after
        known = after


def history(*messages, completed=True, text="success"):
    status = {"status_str": text, "completed": completed, "messages": [list(message) for message in messages]}
    return {
        "outputs": {"9": {"images": [{"filename": "a.mp4", "subfolder": "video", "type": "output"}]}},
        "status": status,
    }


STARTED = ("execution_start", {"timestamp": 1000})
FAILED = (
    "execution_error",
    {
        "node_id": "3",
        "node_type": "KSampler",
        "exception_type": "a.B",
        "exception_message": "bad\n",
        "traceback": ["x\n"],
    },
)
STOPPED = ("execution_interrupted", {"node_id": "3"})


@pytest.mark.parametrize(
    ("told", "remote"),
    [
        (history(STARTED, ("execution_success", {"timestamp": 3500})), Remote.SUCCEEDED),
        (history(STARTED, FAILED, completed=False, text="error"), Remote.FAILED),
        (history(STARTED, STOPPED, completed=False, text="error"), Remote.INTERRUPTED),
        # A dependency cycle at run time is called a success (protocol.md 4).
        (history(STARTED, FAILED, completed=True, text="success"), Remote.FAILED),
        (history(completed=False, text="error"), Remote.FAILED),
        ({"outputs": {}, "status": None}, Remote.SUCCEEDED),
    ],
)
def test_an_end_is_read_from_its_messages(told, remote):
    assert record(told).remote is remote


def test_a_failure_tells_what_the_node_raised():
    failure = record(history(STARTED, FAILED, completed=False)).failure
    assert (failure.node_id, failure.exception_type, failure.message, failure.traceback) == ("3", "B", "bad", ("x",))


def test_an_interruption_tells_at_which_node():
    assert record(history(STARTED, STOPPED, completed=False, text="error")).stopped_at == "3"
    assert record(history(STARTED, FAILED, completed=False, text="error")).stopped_at is None
    assert record(history(STARTED, ("execution_interrupted", {}), completed=False)).stopped_at is None


def test_render_time_is_the_servers_own():
    assert record(history(STARTED, ("execution_success", {"timestamp": 3500}))).seconds == 2.5


def test_files_are_found_under_any_name():
    outputs = {
        "1": {"gifs": [{"filename": "v.mp4", "subfolder": "", "type": "temp", "fullpath": "/x"}], "text": ["no file"]},
        "2": {"3d": [{"filename": "m.glb", "type": "output"}], "animated": [True], "odd": {"filename": "no"}},
        "3": {"images": [{"filename": "p.png", "subfolder": "s", "type": "output"}]},
        "4": None,
        "5": {"images": [{"filename": "v.mp4", "subfolder": "video", "type": "output"}], "nan": math.nan},
    }
    files = output_files(outputs)
    assert [file.filename for file in files] == ["v.mp4", "m.glb", "p.png", "v.mp4"]
    assert chosen_output(files) == OutputFile("5", "v.mp4", "video", "output")
    assert chosen_output([]) is None


def test_a_video_that_browsers_play_goes_before_the_last_one():
    files = [
        OutputFile("1", "a.mp4", "", "output"),
        OutputFile("2", "b.mkv", "", "output"),
        OutputFile("3", "c.png", "", "output"),
    ]
    assert chosen_output(files).filename == "a.mp4"


ALL_EVENTS = st.one_of(
    st.builds(events.Cached, st.just("p"), st.lists(st.sampled_from(sorted(wan())), max_size=4).map(tuple)),
    st.builds(events.Executing, st.just("p"), st.sampled_from([*wan(), "5.0.1"])),
    st.builds(events.Step, st.just("p"), st.sampled_from(sorted(wan())), st.floats(-1, 9), st.floats(-1, 9)),
    st.builds(events.Executed, st.just("p"), st.sampled_from(sorted(wan())), st.just({})),
)


@given(st.lists(ALL_EVENTS, max_size=40))
def test_progress_never_goes_back_and_leaves_room_for_saving(told):
    known = progress.Progress(wan())
    for event in told:
        after = known.after(event)
        assert known.fraction <= after.fraction <= progress.RENDERED
        known = after


def test_progress_reaches_the_end_when_every_node_is_done():
    known = progress.Progress(wan()).after(events.Cached("p", tuple(wan())))
    assert known.fraction == pytest.approx(progress.RENDERED)


def test_a_step_is_named_with_its_node():
    known = progress.Progress(wan()).after(events.Executing("p", "3")).after(events.Step("p", "3", 1, 4))
    assert (known.node_title, known.step) == ("KSampler", (1, 4))
    # 4 steps weigh 4 beside ten nodes of 1.
    assert known.fraction == pytest.approx(progress.RENDERED / 14)


def test_html_becomes_a_sentence():
    page = (
        "<html><head><title>x</title></head><body><h1>502</h1>\n<p>Bad &amp; gateway</p><script>alert()</script></body>"
    )
    assert sentence_of(page) == "502 Bad & gateway"
    assert len(sentence_of("a" * 500)) == 200


def test_a_rejection_lists_each_complaint():
    told = {
        "error": {
            "type": "prompt_outputs_failed_validation",
            "message": "Prompt outputs failed validation",
            "details": "",
        },
        "node_errors": {
            "3": {"errors": [{"type": "value_bigger_than_max", "message": "Too big", "details": "steps 99999"}]}
        },
    }
    error = rejection(400, json.dumps(told), wan())
    assert error.problems == ["KSampler (node 3): Too big: steps 99999."]
    assert "Correct these inputs" in str(error)
    assert "HTTP 400" in str(rejection(400, "<html><body>no</body></html>", {}))


def test_addresses_are_read_as_people_write_them():
    assert Address.parse("0.0.0.0:8188").url == "http://127.0.0.1:8188"
    assert Address.parse("https://host/comfy/").socket_url == "wss://host/comfy/ws"
    secret = Address.parse("http://user:pass@host:1/", api_key="hush")
    assert str(secret) == "http://host:1"
    assert "hush" not in repr(secret)
    for wrong in ("ftp://x", "", "http://", 8188, None):
        with pytest.raises(ServerUnreachable, match="not the address"):
            Address.parse(wrong)


@pytest.mark.parametrize(
    ("written", "same"),
    [
        *((f"http://{name}:8188", True) for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]", "0.0.0.0")),
        ("http://localhost:8189", False),
        ("https://localhost:8188", False),
        ("http://localhost:8188/comfy", False),
        ("http://gpu-1:8188", False),
        ("http://[::1", False),
        (None, False),
    ],
)
def test_the_names_of_this_machine_lead_to_one_server(written, same):
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert Address.parse(f"{name}:8188").is_at(written) is same
    assert not Address.parse("gpu-2:8188").is_at(written)
    assert Address.parse("gpu-1:8188").is_at(written) is (written == "http://gpu-1:8188")
