"""The queue's order, the node cache, interrupts and holds, beyond what the recordings show."""

import json
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_widgets.demo.graph import CycleError, Graph, Schedule
from comfy_widgets.demo.prompts import PromptQueue
from tests.server.client import Client, names, nop, slow, small


@pytest.fixture
def client(comfy_server):
    with Client(comfy_server) as client:
        yield client.connect()


def ran(events):
    return [name for name in names(events) if name in {"executing", "executed"}]


def test_what_did_not_change_is_not_run_again(client):
    assert ran(client.run(slow())[1]) == ["executing", "executing", "executed"]
    assert ran(client.run(slow())[1]) == ["executed"]
    assert ran(client.run(slow(4))[1]) == ["executing", "executing", "executed"]


def test_only_the_last_prompt_is_remembered(client):
    for graph in (nop(1), nop(2), nop(1)):
        assert "executing" in ran(client.run(graph)[1])


def test_node_ids_and_titles_do_not_matter(client):
    client.run(slow())
    graph = slow()
    renamed = {"other": {**graph["1"], "_meta": {"title": "x"}}, "9": graph["9"]}
    renamed["9"]["inputs"]["images"] = ["other", 0]
    assert ran(client.run(renamed)[1]) == ["executed"]


def test_a_cached_file_is_named_again_though_it_is_gone(comfy_server, client):
    first, _ = client.run(small())
    item = client.history(first)["outputs"]["1"]["images"][0]
    (comfy_server.folders.of("output") / item["subfolder"] / item["filename"]).unlink()
    second, _ = client.run(small())
    assert client.history(second)["outputs"]["1"]["images"] == [item]
    assert client.http.get("/view", params=item).status_code == 404


def test_an_interrupt_is_seen_at_the_next_step(comfy_server, client):
    held = comfy_server.hold("LabSlow", step=2)
    prompt_id = client.post(slow(100)).json()["prompt_id"]
    held.wait()
    assert client.http.post("/interrupt", json={"prompt_id": "another"}).status_code == 200
    client.http.post("/interrupt", json={"prompt_id": prompt_id})
    held.release()
    client.events(lambda event: event == ["executing null", prompt_id])
    entry = client.history(prompt_id)
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert comfy_server.journal.fates() == {prompt_id: "interrupted"}


def test_an_interrupt_before_a_prompt_is_forgotten(client):
    client.http.post("/interrupt")
    prompt_id, _ = client.run(slow())
    assert client.history(prompt_id)["status"]["completed"]


def test_a_failure_keeps_what_was_done_before_it(client):
    graph = slow()
    graph["2"] = {"class_type": "LabFail", "inputs": {"image": ["1", 0], "message": "no"}}
    graph["3"] = {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}
    prompt_id, _ = client.run(graph)
    entry = client.history(prompt_id)
    assert set(entry["outputs"]) == {"9"}
    name, facts = entry["status"]["messages"][-1]
    assert (name, facts["node_id"], facts["exception_type"]) == ("execution_error", "2", "ValueError")
    assert ran(client.run(slow())[1]) == ["executed"]


def test_a_hold_stops_every_prompt_there_until_all_are_released(comfy_server, client):
    held = comfy_server.hold("1")
    ids = [client.post(nop(n)).json()["prompt_id"] for n in range(2)]
    held.wait()
    assert client.http.get("/prompt").json()["exec_info"]["queue_remaining"] == 2
    comfy_server.release()
    client.events(lambda event: event == ["executing null", ids[1]])
    assert set(comfy_server.journal.fates().values()) == {"success"}


def test_waiting_at_a_hold_that_nobody_reaches_ends(comfy_server):
    with pytest.raises(TimeoutError):
        comfy_server.hold("LabNop").wait(0.05)


def test_half_a_body_queues_nothing_and_a_whole_one_does(comfy_server):
    body = json.dumps({"prompt": nop()}).encode()
    for sent in (body[:10], body):
        with socket.create_connection(("127.0.0.1", comfy_server.port)) as connection:
            head = f"POST /prompt HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + sent)
    deadline = time.monotonic() + 10
    while not comfy_server.journal.fates():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert len(comfy_server.journal.fates()) == 1


NUMBERS = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), max_size=30)


@given(NUMBERS)
def test_prompts_leave_the_heap_by_number_and_id_whatever_is_deleted(items):
    counts = []
    queue = PromptQueue(counts.append)
    kept = []
    for index, (number, deleted) in enumerate(items):
        queue.put((number, f"p{index:02}", {}, {}, [], {}))
        if deleted:
            assert queue.delete(f"p{index:02}")
        else:
            kept.append((number, f"p{index:02}"))
    assert not queue.delete("unknown")
    taken = []
    while queue.pending:
        item = queue.take()
        taken.append(item[:2])
        queue.running = None
    assert taken == sorted(kept)
    assert all(count >= 0 for count in counts)


@given(st.lists(st.lists(st.integers(0, 11), max_size=3), min_size=1, max_size=12))
def test_a_schedule_runs_each_node_once_after_what_feeds_it(links):
    """Node n may only be fed by nodes before it, so that there is no cycle."""
    nodes = {
        str(index): {"inputs": {str(i): [str(source % index), 0] for i, source in enumerate(sources)} if index else {}}
        for index, sources in enumerate(links)
    }
    done = []
    schedule = Schedule(Graph(nodes), lambda _: False, lambda node_id: node_id == str(len(links) - 1))
    for node_id in nodes:
        schedule.add(node_id)
    while schedule:
        node_id = schedule.pick()
        assert all(value[0] in done for value in nodes[node_id]["inputs"].values())
        done.append(node_id)
        schedule.done(node_id)
    assert sorted(done, key=int) == list(nodes)


def test_a_cycle_is_blamed_on_a_node_in_it():
    nodes = {"9": {"inputs": {"a": ["1", 0]}}, "1": {"inputs": {"a": ["2", 0]}}, "2": {"inputs": {"a": ["1", 0]}}}
    schedule = Schedule(Graph(nodes), lambda _: False, lambda _: False)
    schedule.add("9")
    with pytest.raises(CycleError):
        schedule.pick()
    assert schedule.stuck() in {"1", "2"}
