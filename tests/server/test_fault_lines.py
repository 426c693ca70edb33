"""How faults are written: what can be read, what is refused and why, and that the page says it all."""

import json
import random
import re
from pathlib import Path

import pytest

from comfy_widgets.demo import DemoServer
from comfy_widgets.demo.faults import ACTIONS, EVENTS, parse
from comfy_widgets.errors import DemoError

RECORDED = Path(__file__).parent / "data"
PAGE = Path(__file__).parents[2] / "comfy_widgets" / "demo" / "FAULTS.md"


def test_chances_are_drawn_from_the_seed():
    def draws(seed):
        lots, fault = random.Random(seed), parse("ws:drop%0.5")
        return [fault.due("executed", "1", lots) for _ in range(64)]

    assert draws(3) == draws(3) != draws(4)
    assert 16 < sum(draws(3)) < 48


def test_occasions_are_counted_for_each_connection():
    fault, lots = parse("ws:cut@2*"), random.Random(0)
    due = [fault.due("status", scope, lots) for scope in "aabbaa"]
    assert due == [False, True, False, True, False, True]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "ws:explode",
        "moon:cut",
        "ws:delay",
        "ws:cut=3",
        "http:777",
        "http:after-status",
        "history:late",
        "ws:cut@0",
        "http:status",
        "ws:cut@-1",
        "ws:cut@executing_null",
        "ws:cut@Executed#2",
        "http:503@/prompt",
        "http:503@POST /prompt?x=1",
        "http:503@prompt#2",
        "view:missing@.mp4",
        "history:late=1@executed",
        "node:error@Ksampler",
        "server:restart@Nope#2",
        "loop:stall=1@executing",
        "ws:drop%0.5@7",
        "ws:drop%0.5@executed#2*",
        "key:http@3",
        "key:http%0.5",
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text):
    with pytest.raises(DemoError, match="cannot be read"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http:999", r"http can 503 \(or 100 to 599\), reset, slow, html, after-503"),
        ("node:error@Ksampler", "no node class 'Ksampler'; is it 'KSampler'?"),
        ("ws:cut@executing_null", "no event 'executing_null'; is it 'executing null'?"),
        ("ws:drop%0.5@7", "leave out the % or the number"),
    ],
)
def test_a_refused_fault_says_what_is_meant(text, told):
    with pytest.raises(DemoError, match=told):
        parse(text)


@pytest.mark.parametrize(
    "text", ["ws:drop%0.5@executed", "ws:drop%0.5@executed#*", "ws:cut@executing null", "ws:cut@#3"]
)
def test_names_that_can_come_are_taken(text):
    assert parse(text).text == text


def test_every_recorded_event_has_a_name_that_faults_know():
    rows = [row for path in RECORDED.glob("*.json") for row in json.loads(path.read_text())]
    recorded = {row["see"][0] for row in rows if "see" in row}
    assert "progress_state" in recorded
    assert recorded <= set(EVENTS)


def test_a_server_with_an_unreadable_fault_does_not_start():
    with pytest.raises(DemoError, match="ws can cut"):
        DemoServer(faults=("ws:explode",))


def test_every_fault_on_the_page_can_be_read():
    shown = re.findall(rf"[`'\"]((?:{'|'.join(ACTIONS)}):[^`'\"\s]+(?: /[a-z]+[^`'\"\s]*)?)[`'\"]", PAGE.read_text())
    assert len(shown) > 25
    for text in shown:
        parse(text)


def test_the_page_names_every_fault():
    page = PAGE.read_text()
    for target, actions in ACTIONS.items():
        for action, value in actions.items():
            shown = action.replace("status", "503") + ("=" if value == "number" else "")
            assert f"`{target}:{shown}" in page, f"{target}:{action}"
