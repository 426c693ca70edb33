"""Each fault does what FAULTS.md says, when it says, and the journal knows."""

import time

import httpx
import pytest

from comfy_widgets.demo.nodes import REGISTRY
from tests.server.client import Client, names, nop, slow, wait_for_fate, with_faults

ORDER = [
    "status",
    "status",
    "status",
    "execution_start",
    "execution_cached",
    "progress_state",
    "executing",
    "executed",
    "progress_state",
    "execution_success",
    "status",
    "executing null",
]


@pytest.fixture
def client(comfy_server):
    with Client(comfy_server) as client:
        yield client


def test_without_faults_the_order_is_the_recorded_one(comfy_server, client):
    _, events = client.connect().run(nop())
    assert names(events) == ORDER
    assert comfy_server.journal.faults() == []


@with_faults("ws:cut@7")
def test_a_socket_is_cut_at_its_seventh_frame_once(comfy_server, client):
    client.connect().post(nop())
    assert names(client.events()) == [*ORDER[:6], "closed"]
    assert comfy_server.journal.faults() == ["ws:cut@7"]
    _, events = client.connect().run(nop(2))
    assert names(events) == ORDER


@with_faults("ws:cut@7*")
def test_every_socket_is_cut_at_its_seventh_frame(client):
    for number in range(2):
        client.connect().post(nop(number))
        assert names(client.events()) == [*ORDER[:6], "closed"]


@with_faults("ws:mute@execution_start")
def test_a_muted_socket_stays_open_and_gets_nothing(comfy_server, client):
    prompt_id = client.connect().post(nop()).json()["prompt_id"]
    wait_for_fate(comfy_server, prompt_id, "success")
    assert names([client.event() for _ in range(3)]) == ORDER[:3]
    with pytest.raises(TimeoutError):
        client.socket.recv(0.05)
    client.socket.ping().wait(5)


@with_faults("ws:drop@execution_success")
def test_a_frame_is_dropped(client):
    _, events = client.connect().run(nop())
    assert names(events) == [name for name in ORDER if name != "execution_success"]


@with_faults("ws:repeat@executed")
def test_a_frame_comes_twice(client):
    _, events = client.connect().run(nop())
    assert names(events).count("executed") == 2


@with_faults("ws:swap@execution_start")
def test_two_frames_change_places(client):
    _, events = client.connect().run(nop())
    assert names(events)[3:5] == ["execution_cached", "execution_start"]


@with_faults("ws:delay=0.2@executed")
def test_a_late_frame_is_overtaken(client):
    prompt_id = client.connect().post(nop()).json()["prompt_id"]
    events = client.events(lambda event: event == ["executed", prompt_id])
    assert names(events)[-2:] == ["executing null", "executed"]


@with_faults("http:503@POST /prompt#2")
def test_the_second_post_is_refused_and_not_queued(comfy_server, client):
    assert [client.post(nop(n)).status_code for n in range(3)] == [200, 503, 200]
    assert comfy_server.journal.posts("/prompt") == 3
    assert len(comfy_server.journal.fates()) == 2


@with_faults("http:after-500@POST /prompt")
def test_a_500_may_hide_a_queued_prompt(comfy_server, client):
    chosen = "0b8f0e0c-6d40-4c2b-8d2f-1f0f9b3c1a11"
    assert client.post(nop(), prompt_id=chosen).status_code == 500
    assert chosen in comfy_server.journal.fates()


@with_faults("http:after-reset@POST /prompt")
def test_an_answer_may_be_lost_after_the_prompt_was_queued(comfy_server, client):
    chosen = "0b8f0e0c-6d40-4c2b-8d2f-1f0f9b3c1a12"
    with pytest.raises(httpx.TransportError):
        client.post(nop(), prompt_id=chosen)
    assert chosen in comfy_server.journal.fates()


@with_faults("http:reset@GET /queue")
def test_a_connection_is_reset(client):
    with pytest.raises(httpx.TransportError):
        client.http.get("/queue")
    assert client.http.get("/queue").status_code == 200


@with_faults("http:html@2")
def test_a_proxy_answers_with_a_page(client):
    answers = [client.http.get("/prompt") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 502, 200]
    assert answers[1].headers["content-type"].startswith("text/html")


@with_faults("http:slow=0.2@GET /history", "http:after-slow=0.2@GET /queue")
def test_a_slow_answer(client):
    for path in ("/history", "/queue"):
        began = time.monotonic()
        assert client.http.get(path).status_code == 200
        assert time.monotonic() - began >= 0.2


@with_faults("http:slow=0.01@GET /queue", "http:503@GET /queue", "http:html@GET /queue", "http:after-500@GET /queue")
def test_of_two_answers_only_the_one_that_is_given_is_in_the_journal(comfy_server, client):
    assert client.http.get("/queue").status_code == 503
    assert comfy_server.journal.faults() == ["http:slow=0.01@GET /queue", "http:503@GET /queue"]


@with_faults("ws:repeat@executed", "ws:drop@executed")
def test_of_what_meets_at_one_frame_only_what_is_done_is_in_the_journal(comfy_server, client):
    _, events = client.connect().run(nop())
    assert "executed" not in names(events)
    assert comfy_server.journal.faults() == ["ws:drop@executed"]


@with_faults("ws:delay=0.1@executed", "ws:swap@executed", "ws:repeat@executed")
def test_a_frame_comes_twice_after_the_next_one(comfy_server, client):
    _, events = client.connect().run(nop())
    place = names(events).index("executed")
    assert names(events)[place - 1 : place + 2] == ["progress_state", "executed", "executed"]
    assert comfy_server.journal.faults() == ["ws:swap@executed", "ws:repeat@executed"]


@with_faults("ws:mute", "ws:cut@execution_success")
def test_a_muted_socket_is_muted_once_and_can_still_break(comfy_server, client):
    client.connect().post(nop())
    assert names(client.events()) == ["closed"]
    assert comfy_server.journal.faults() == ["ws:mute", "ws:cut@execution_success"]


@with_faults("history:late=0.3")
def test_history_comes_late(client):
    prompt_id = client.connect().post(nop()).json()["prompt_id"]
    client.events(lambda event: event == ["execution_success", prompt_id])
    assert client.history(prompt_id) is None
    client.events(lambda event: event == ["executing null", prompt_id])
    assert client.history(prompt_id)["status"]["completed"]


@with_faults("history:clear@2")
def test_somebody_clears_the_history(client):
    client.connect()
    first, second, third = (client.run(nop(n))[0] for n in range(3))
    assert [client.history(each) is None for each in (first, second, third)] == [True, True, False]


@with_faults("queue:clear@LabSlow")
def test_somebody_clears_the_queue(comfy_server, client):
    held = comfy_server.hold("LabNop")
    client.post(nop())
    held.wait()
    ids = [client.post(graph).json()["prompt_id"] for graph in (slow(), nop(2), nop(3))]
    held.release()
    wait_for_fate(comfy_server, ids[0], "success")
    assert [comfy_server.journal.fates()[each] for each in ids[1:]] == ["deleted", "deleted"]


@with_faults("queue:interrupt@LabSlow#2")
def test_somebody_interrupts(client):
    prompt_id, events = client.connect().run(slow())
    assert "execution_interrupted" in names(events)
    assert client.history(prompt_id)["status"]["status_str"] == "error"


@pytest.mark.parametrize(("fault", "kind"), [("node:error", "RuntimeError"), ("node:memory", "torch.OutOfMemoryError")])
@pytest.mark.parametrize("occasion", [1, 3])
def test_a_node_raises_once(comfy_server, client, fault, kind, occasion):
    comfy_server.inject(f"{fault}@LabSlow#{occasion}")
    prompt_id, _ = client.connect().run(slow())
    told = dict(client.history(prompt_id)["status"]["messages"])["execution_error"]
    assert (told["node_type"], told["exception_type"]) == ("LabSlow", kind)
    again, _ = client.run(slow())
    assert client.history(again)["status"]["status_str"] == "success"


@with_faults("server:restart@LabSlow#3")
def test_the_server_is_killed_and_started_again_in_mid_run(comfy_server, client):
    prompt_id = client.connect().post(slow(50)).json()["prompt_id"]
    assert names(client.events())[-1] == "closed"
    wait_for_fate(comfy_server, prompt_id, "lost")
    with Client(comfy_server) as again:
        wait_until_it_answers(again)
        assert again.http.get("/queue").json() == {"queue_running": [], "queue_pending": []}
        assert again.history(prompt_id) is None
        assert again.post(nop()).json()["number"] == 0


def wait_until_it_answers(client):
    deadline = time.monotonic() + 10
    while True:
        try:
            return client.http.get("/prompt")
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@with_faults("server:restart=0.5@LabNop")
def test_a_server_that_is_down_refuses_connections(comfy_server, client):
    client.connect().post(nop())
    client.events()
    with pytest.raises(httpx.ConnectError):
        httpx.get(comfy_server.url + "/prompt")
    assert wait_until_it_answers(client).status_code == 200


@with_faults("server:crash@LabNop")
def test_a_crashed_server_stays_down_until_it_is_restarted(comfy_server, client):
    client.connect().post(nop())
    assert names(client.events())[-1] == "closed"
    with pytest.raises(httpx.ConnectError):
        httpx.get(comfy_server.url + "/prompt")
    assert comfy_server.crashed
    comfy_server.restart()
    assert httpx.get(comfy_server.url + "/prompt").status_code == 200


@with_faults("loop:stall=0.4@LabNop")
def test_the_whole_loop_stalls(comfy_server, client):
    client.connect().post(nop())
    client.events(lambda event: event[0] == "executing")
    began = time.monotonic()
    client.http.get("/prompt")
    assert time.monotonic() - began > 0.2
    assert comfy_server.journal.faults() == ["loop:stall=0.4@LabNop"]


@with_faults("key:http")
def test_a_key_is_demanded_on_http(comfy_server, client):
    assert client.http.get("/queue").status_code == 401
    assert client.http.get("/queue", headers={"Authorization": "demo"}).status_code == 401
    assert comfy_server.journal.faults() == ["key:http"] * 2
    assert comfy_server.journal.of("fault")[0]["at"] == "GET /queue"
    assert client.http.get("/queue", headers={"X-API-Key": "demo"}).status_code == 200
    assert client.http.get("/queue", headers={"Authorization": "Bearer demo"}).status_code == 200
    client.connect()
    assert len(comfy_server.journal.faults()) == 2


@with_faults("key:socket", key="secret", key_on="http")
def test_a_key_is_demanded_on_the_socket(client):
    with pytest.raises(Exception, match="401"):
        client.connect()
    client.connect("&token=secret")


def test_faults_come_and_go_while_the_server_runs(comfy_server, client):
    comfy_server.inject("http:500@GET /queue#*")
    assert [client.http.get("/queue").status_code for _ in range(2)] == [500, 500]
    comfy_server.heal()
    assert client.http.get("/queue").status_code == 200


def test_the_server_can_be_stalled_by_hand(comfy_server, client):
    client.http.get("/prompt")
    comfy_server.stall(0.3)
    began = time.monotonic()
    client.http.get("/prompt")
    assert time.monotonic() - began > 0.1


@with_faults("http:503@POST /api/prompt", "http:500@GET /api/jobs/mine", release="newest")
def test_a_request_may_be_named_with_api_in_front(client):
    assert client.post(nop()).status_code == 503
    assert client.http.get("/api/jobs/mine").status_code == 500


def test_a_node_of_ones_own_can_have_faults(comfy_server, client):
    class LabMine(REGISTRY["LabNop"]):
        """A node of a test."""

    try:
        comfy_server.inject("node:error@LabMine")
        prompt_id = client.post({"1": {"class_type": "LabMine", "inputs": {"n": 1}}}).json()["prompt_id"]
        wait_for_fate(comfy_server, prompt_id, "error")
    finally:
        del REGISTRY["LabMine"]
