"""The tree of errors: what each says, where it happened, and how few lines it takes."""

import inspect
import pickle

import pytest

from comfy_widgets import errors
from comfy_widgets.comfyui.look import Failure, Record
from comfy_widgets.comfyui.progress import Progress
from comfy_widgets.comfyui.replies import node_problems, rejection
from comfy_widgets.comfyui.status import Remote
from comfy_widgets.comfyui.tracked import News
from comfy_widgets.errors import Cancelled, ComfyWidgetsError, Interrupted, JobFailed, NodeFailed, Rejected
from comfy_widgets.jobs import JobStatus
from comfy_widgets.outcomes import failure, status_of
from tests.lib.graphs import wan

TREE = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, ComfyWidgetsError)]


@pytest.mark.parametrize("cls", TREE)
def test_each_says_what_happened_and_what_to_do(cls):
    error = cls("The file is gone.", hint="Submit it again.")
    assert str(error) == "The file is gone. Submit it again."
    assert error.args == ("The file is gone.",)
    assert cls.__doc__
    assert str(cls("The file is gone.")) == "The file is gone."


def test_the_page_of_the_tree_shows_the_tree():
    shown = {line.partition("── ")[2].split()[0] for line in errors.__doc__.splitlines() if "── " in line}
    assert shown == {cls.__name__ for cls in TREE} - {"ComfyWidgetsError"}


@pytest.mark.parametrize("cls", TREE)
def test_an_error_survives_a_copy_and_another_process(cls):
    error = cls("It broke.", hint="Mend it.").at(scene="s", shot="t", prompt_id="p", node_id="3", node_title="KSampler")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.node_title, again.hint) == (str(error), "KSampler", "Mend it.")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({}, ""),
        ({"shot": "shot-01"}, "Shot shot-01"),
        ({"scene": "scene-001", "shot": "shot-01"}, "Scene scene-001, shot shot-01"),
        ({"prompt_id": "5f0c", "scene": "", "shot": None}, "Prompt 5f0c"),
        ({"scene": "A", "shot": "b", "prompt_id": "c"}, "Scene A, shot b, prompt c"),
    ],
)
def test_the_place_comes_first(place, words):
    error = ComfyWidgetsError("It broke.", hint="Mend it.").at(**place)
    assert error.where == words
    assert str(error) == (f"{words}: It broke. Mend it." if words else "It broke. Mend it.")


def test_what_is_known_of_the_place_stays():
    error = ComfyWidgetsError("It broke.").at(shot="shot-01", prompt_id="a")
    assert error.at(shot="shot-02", scene="scene-001", prompt_id="b") is error
    assert (error.scene, error.shot, error.prompt_id) == ("scene-001", "shot-01", "a")


def test_a_cell_shows_a_few_lines():
    error = Rejected("The server refused the graph.", hint="Correct it.", problems=["A is wrong.", "B is wrong."])
    assert error._render_traceback_() == [
        "Rejected: The server refused the graph.",
        "  A is wrong.",
        "  B is wrong.",
        "  → Correct it.",
    ]
    assert error.at(shot="shot-01")._render_traceback_()[:2] == [
        "Rejected: Shot shot-01",
        "  The server refused the graph.",
    ]
    assert "A is wrong. B is wrong. Correct it." in str(error)


def test_an_error_without_a_hint_has_no_arrow():
    assert NodeFailed("It broke.")._render_traceback_() == ["NodeFailed: It broke."]


def test_lists_of_one_error_are_not_those_of_another():
    one, two = Rejected("a"), Rejected("b")
    one.problems.append("x")
    assert two.problems == []


# How a prompt ended badly


def news(remote, **record):
    told = Record(remote, **record) if record else None
    return News(remote, Progress(wan()), record=told)


RAISED = Failure(
    "3",
    "KSampler",
    "ValueError",
    "the model is <b>wrong</b>.",
    tuple(f'  File "nodes.py", line {number}, in f\n    code' for number in range(9)),
)


def test_a_node_that_raised_is_named_with_the_end_of_its_traceback():
    error = failure(news(Remote.FAILED, failure=RAISED), cancelling=False, progress=0.4)
    assert isinstance(error, NodeFailed)
    assert (error.node_id, error.node_title) == ("3", "KSampler")
    assert "KSampler (node 3) failed: ValueError: the model is <b>wrong</b>. Correct" in str(error)
    lines = error._render_traceback_()
    assert error.traceback == list(RAISED.traceback[-2:])
    assert "line 8" in lines[-2]
    assert len("\n".join(lines).splitlines()) <= 10


@pytest.mark.parametrize(("cancelling", "kind"), [(False, Interrupted), (True, Cancelled)])
def test_a_prompt_that_was_stopped_is_told_with_its_node(cancelling, kind):
    error = failure(news(Remote.INTERRUPTED, stopped_at="3"), cancelling=cancelling, progress=0.4)
    assert isinstance(error, kind)
    assert (error.node_id, error.node_title) == ("3", "KSampler")


def test_a_full_card_wants_less():
    told = Failure("3", "KSampler", "torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory.", ())
    error = failure(news(Remote.FAILED, failure=told), cancelling=False, progress=0.4)
    assert "smaller or a shorter" in error.hint


@pytest.mark.parametrize(
    ("remote", "cancelling", "name", "status"),
    [
        (Remote.INTERRUPTED, False, "Interrupted", JobStatus.ERROR),
        (Remote.INTERRUPTED, True, "Cancelled", JobStatus.CANCELLED),
        (Remote.GONE, False, "Lost", JobStatus.LOST),
        (Remote.GONE, True, "Lost", JobStatus.LOST),
        (Remote.FAILED, False, "NodeFailed", JobStatus.ERROR),
        (Remote.FAILED, True, "NodeFailed", JobStatus.ERROR),
    ],
)
def test_each_end_has_its_error_its_state_and_a_way_on(remote, cancelling, name, status):
    error = failure(news(remote), cancelling=cancelling, progress=0.4)
    assert type(error).__name__ == name
    assert isinstance(error, JobFailed)
    assert status_of(error) is status
    assert error.hint
    assert ".." not in str(error)


@pytest.mark.parametrize("cls", TREE)
def test_every_error_is_an_end_of_a_job(cls):
    assert status_of(cls("It broke.")).over


def test_a_server_that_gives_no_reason():
    told = Failure("", "", "", "it has none.", ())
    for record in ({}, {"failure": told}):
        assert "The server failed: it " in str(failure(news(Remote.FAILED, **record), cancelling=False, progress=0))


# What validation says


def test_complaints_are_sentences_that_name_their_node():
    told = {
        "37": {"errors": [{"message": "Value not in list.", "details": "unet_name: 'x' not in <b>[]</b>"}]},
        "404": {"errors": [{"type": "bad_linked_input"}]},
        "6": "nonsense",
        "7": {"errors": []},
    }
    assert node_problems(told, wan()) == [
        "UNETLoader (node 37): Value not in list: unet_name: 'x' not in [].",
        "node 404 (node 404): bad_linked_input.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"error": "plain"}',
        '{"error": {"type": "no_prompt"}}',
        '{"error": {"message": "No prompt provided", "details": ""}, "node_errors": {}}',
        '{"error": null}',
        "{}",
        "[]",
        "null",
        "",
        "<html><script>x</script>refused</html>",
    ],
)
def test_any_refusal_is_a_sentence(text):
    error = rejection(400, text, wan())
    assert isinstance(error, Rejected)
    assert error.what.startswith("The server refused the ")
    assert error.what.endswith(".")
    assert not error.what.endswith((": .", ".."))
    assert "<" not in error.what
    assert error.hint
