"""The newest release and Comfy Cloud's form differ from 0.3.64 where they are known to."""

import json
import uuid
from datetime import datetime

import httpx
import pytest

from comfy_widgets.demo import DemoServer
from tests.server.client import Client, names, nop, slow, small
from tests.server.test_workflows import workflow

newest = pytest.mark.comfy_server(release="newest")
cloud = pytest.mark.comfy_server(release="cloud")
KEY = {"X-API-Key": "demo"}


@pytest.fixture
def client(comfy_server):
    with Client(comfy_server) as client:
        yield client


@newest
@pytest.mark.parametrize(
    ("prompt_id", "status"),
    [
        ("0B8F0E0C-6D40-4C2B-8D2F-1F0F9B3C1A11", 400),
        ("0b8f0e0c6d404c2b8d2f1f0f9b3c1a11", 400),
        (12345, 400),
        (None, 200),
        ("0b8f0e0c-6d40-4c2b-8d2f-1f0f9b3c1a11", 200),
    ],
)
def test_prompt_ids_must_be_canonical(client, prompt_id, status):
    answer = client.post(nop(), prompt_id=prompt_id)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["type"] == "invalid_prompt_id"
    else:
        assert str(uuid.UUID(answer.json()["prompt_id"])) == answer.json()["prompt_id"]


@pytest.mark.parametrize(
    ("settings", "asked", "sent"),
    [
        ({}, None, 2),
        ({"previews": False}, None, 0),
        ({"previews": False}, "auto", 0),
        ({"previews": False, "release": "newest"}, "auto", 2),
        ({"release": "newest"}, "none", 0),
        ({"release": "newest"}, "default", 2),
    ],
)
def test_previews_are_the_servers_choice_and_in_newer_releases_the_prompts(settings, asked, sent):
    extra = {} if asked is None else {"extra_data": {"preview_method": asked}}
    with DemoServer(step_seconds=0, **settings) as server, Client(server) as client:
        _, events = client.connect().run(workflow("wan22", n8_steps=2, n5_length=5), **extra)
    assert names(events).count("binary") == sent


@newest
def test_errors_have_types_of_their_own(client):
    unknown = client.post({"1": {"class_type": "Nope", "inputs": {}, "_meta": {"title": "Mine"}}}).json()["error"]
    assert unknown["type"] == "missing_node_type"
    assert unknown["extra_info"] == {"node_id": "1", "class_type": "Nope", "node_title": "Mine"}
    block = {"class_type": "LabBlock", "inputs": {"image": ["2", 0], "seconds": 0}}
    other = {"class_type": "LabBlock", "inputs": {"image": ["1", 0], "seconds": 0}}
    shown = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    assert client.post({"1": block, "2": other, "9": shown}).json()["error"]["type"] == "dependency_cycle"


@newest
def test_new_combos_are_validated(client):
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 8}},
        "3": {"class_type": "SaveVideo", "inputs": {"video": ["2", 0], "filename_prefix": "x", "format": "mp4"}},
    }
    graph["3"]["inputs"]["codec"] = "bogus"
    errors = client.post(graph).json()["node_errors"]["3"]["errors"]
    assert [error["type"] for error in errors] == ["value_not_in_list"]


@newest
@pytest.mark.parametrize(
    ("more", "ending"),
    [
        ({"format": "auto", "format.codec": "auto"}, "mp4"),
        ({"format": "mp4", "codec": "h264"}, "mp4"),
        ({"format": "webm", "format.codec": "vp9"}, "webm"),
        ({"format": "avi"}, None),
    ],
)
def test_a_codec_belongs_to_its_format(client, more, ending):
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 8}},
        "3": {"class_type": "SaveVideo", "inputs": {"video": ["2", 0], "filename_prefix": "x", **more}},
    }
    described = client.http.get("/object_info/SaveVideo").json()["SaveVideo"]
    kind, options = described["input"]["required"]["format"]
    assert (kind, [option["key"] for option in options["options"]]) == (
        "COMFY_DYNAMICCOMBO_V3",
        ["auto", "mp4", "webm"],
    )
    assert described["output"] == ["VIDEO"]
    if ending is None:
        assert client.post(graph).status_code == 400
        return
    prompt_id, _ = client.connect().run(graph)
    assert client.history(prompt_id)["outputs"]["3"]["images"][0]["filename"] == f"x_00001_.{ending}"


@newest
def test_the_queue_shows_no_keys_but_a_time(comfy_server, client):
    held = comfy_server.hold("LabNop")
    client.post(nop(), extra_data={"api_key_comfy_org": "SECRET", "other": "x"})
    held.wait()
    answer = client.http.get("/queue")
    assert "SECRET" not in answer.text
    extra = answer.json()["queue_running"][0][3]
    assert extra["other"] == "x"
    assert isinstance(extra["create_time"], int)
    assert len(answer.json()["queue_running"][0]) == 5
    held.release()


@newest
def test_jobs_are_listed_wherever_they_are(comfy_server, client):
    client.connect()
    done, _ = client.run(small())
    failed, _ = client.run(
        {**slow(0), "1": {"class_type": "LabFail", "inputs": {"image": ["5", 0], "message": "x"}}}
        | {"5": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}}
    )
    held = comfy_server.hold("LabNop")
    running, pending = (client.post(nop(n)).json()["prompt_id"] for n in range(2))
    held.wait()
    listing = client.http.get("/api/jobs").json()
    assert {job["id"]: job["status"] for job in listing["jobs"]} == {
        done: "completed",
        failed: "failed",
        running: "in_progress",
        pending: "pending",
    }
    assert listing["pagination"] == {"offset": 0, "limit": None, "total": 4, "has_more": False}
    one_page = client.http.get("/api/jobs?limit=1&sort_order=asc&status=completed,failed").json()
    assert [job["id"] for job in one_page["jobs"]] == [done]
    assert one_page["pagination"] == {"offset": 0, "limit": 1, "total": 2, "has_more": True}
    whole = client.http.get(f"/api/jobs/{done}").json()
    assert whole["outputs"]["1"]["images"][0]["filename"] == "small_00001_.mp4"
    assert whole["preview_output"]["nodeId"] == "1"
    assert whole["execution_end_time"] >= whole["execution_start_time"] >= whole["create_time"]
    assert client.http.get(f"/api/jobs/{failed}").json()["execution_error"]["exception_type"] == "ValueError"
    assert client.http.get("/api/jobs/nope").status_code == 404
    assert client.http.get("/api/jobs?status=nope").status_code == 400
    assert client.http.get("/jobs").status_code == 404
    assert client.http.post(f"/api/jobs/{pending}/cancel").json() == {"cancelled": True}
    assert client.http.post(f"/api/jobs/{pending}/cancel").json() == {"cancelled": False}
    assert client.http.post("/api/jobs/cancel", json={"job_ids": [running, pending]}).json() == {"cancelled": True}
    held.release()
    client.events(lambda event: event == ["executing null", running])
    assert client.http.get(f"/api/jobs/{running}").json()["status"] == "cancelled"


@newest
def test_requests_from_other_sites_are_refused(client):
    assert client.http.get("/prompt", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.http.get("/prompt", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@newest
def test_drawings_that_can_hold_scripts_are_held_back(comfy_server, client):
    comfy_server.folders.of("output").joinpath("x.svg").write_text("<svg/>")
    head = client.http.get("/view?filename=x.svg").headers
    assert head["content-type"] == "application/octet-stream"
    assert head["content-disposition"].startswith("attachment")
    assert head["x-content-type-options"] == "nosniff"


def test_the_old_release_has_none_of_it(client):
    assert client.post(nop(), prompt_id="mine").json()["prompt_id"] == "mine"
    assert client.http.get("/api/jobs").status_code == 404
    assert client.http.get("/prompt", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@cloud
def test_the_cloud_wants_its_prefix_and_a_key(client):
    assert client.http.get("/prompt", headers=KEY).status_code == 404
    assert client.http.get("/api/prompt").status_code == 401
    assert client.http.get("/api/prompt", headers={"X-API-Key": "wrong"}).status_code == 401
    assert client.http.get("/api/prompt", headers=KEY).status_code == 200
    with pytest.raises(Exception, match="401"):
        client.connect()


@cloud
def test_the_clouds_sockets_hear_everything_whatever_their_id(client, comfy_server):
    with Client(comfy_server, "another") as other:
        other.connect("&token=demo")
        client.connect("&token=demo")
        body = {"prompt": small(), "client_id": client.id}
        prompt_id = client.http.post("/api/prompt", json=body, headers=KEY).json()["prompt_id"]
        for each in (client, other):
            events = names(each.events(lambda event: event == ["executing null", prompt_id]))
            assert {"execution_start", "executed", "execution_success"} <= set(events)


@cloud
def test_the_clouds_files_lie_elsewhere_and_need_no_key(client, comfy_server):
    client.connect("&token=demo")
    prompt_id = client.http.post("/api/prompt", json={"prompt": small()}, headers=KEY).json()["prompt_id"]
    client.events(lambda event: event == ["executing null", prompt_id])
    history = client.http.get(f"/api/history/{prompt_id}", headers=KEY).json()
    item = history[prompt_id]["outputs"]["1"]["images"][0]
    answer = client.http.get("/api/view", params=item, headers=KEY)
    assert answer.status_code == 302
    place = answer.headers["location"]
    assert not place.startswith(comfy_server.url)
    assert len(httpx.get(place).content) == 1000
    httpx.get(place, headers=KEY)
    assert [entry["with_key"] for entry in comfy_server.journal.of("store")] == [False, True]
    assert httpx.get(place + "0").status_code == 403
    assert "demo" not in json.dumps([entry for entry in comfy_server.journal.entries if "key" in entry])


@cloud
def test_the_cloud_tells_where_a_job_is(comfy_server, client):
    def post(graph, **more):
        return client.http.post("/api/prompt", json={"prompt": graph, **more}, headers=KEY).json()["prompt_id"]

    def status(prompt_id):
        return client.http.get(f"/api/job/{prompt_id}/status", headers=KEY)

    client.connect("&token=demo")
    failing = {"class_type": "LabFail", "inputs": {"image": ["5", 0], "message": "no luck"}}
    image = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}
    done, failed = post(small()), post({**slow(0), "1": failing, "5": image})
    client.events(lambda event: event == ["executing null", failed])
    held = comfy_server.hold("LabNop")
    running, pending = post(nop(1)), post(nop(2))
    held.wait()
    found = {each: status(each).json() for each in (done, failed, running, pending)}
    assert [found[each]["status"] for each in found] == ["completed", "error", "in_progress", "pending"]
    assert found[failed]["error_message"].strip() == "no luck"
    assert found[done]["error_message"] is None
    for told in found.values():
        assert {"id", "status", "created_at", "updated_at", "last_state_update", "assigned_inference"} <= set(told)
        assert datetime.fromisoformat(told["updated_at"]) >= datetime.fromisoformat(told["created_at"])
    assert (status("nope").status_code, set(status("nope").json())) == (404, {"code", "message"})
    assert client.http.post(f"/api/jobs/{pending}/cancel", headers=KEY).json() == {"cancelled": True}
    assert status(pending).status_code == 404
    assert client.http.get(f"/api/job/{done}/status").status_code == 401
    held.release()


@cloud
def test_the_clouds_history_is_a_list_without_workflows(client):
    client.connect("&token=demo")
    ids = []
    for number in range(3):
        extra = {"extra_pnginfo": {"workflow": {"id": "mine", "nodes": []}, "note": "kept"}}
        body = {"prompt": nop(number), "extra_data": extra}
        ids.append(client.http.post("/api/prompt", json=body, headers=KEY).json()["prompt_id"])
        client.events(lambda event, last=ids[-1]: event == ["executing null", last])
    entries = client.http.get("/api/history_v2", headers=KEY).json()["history"]
    assert [entry["prompt_id"] for entry in entries] == ids[::-1]
    assert entries[0]["prompt"]["extra_data"]["extra_pnginfo"] == {"note": "kept"}
    assert entries[0]["workflow_id"] == "mine"
    assert "prompt" not in entries[0]["prompt"]
    assert entries[0]["create_time"] >= entries[1]["create_time"]
    page = client.http.get("/api/history_v2?max_items=1&offset=1", headers=KEY).json()["history"]
    assert [entry["prompt_id"] for entry in page] == [ids[1]]
    whole = client.http.get(f"/api/history_v2/{ids[0]}", headers=KEY).json()[ids[0]]
    assert whole["prompt"]["prompt"] == nop(0)
    assert whole["status"]["completed"]
    assert client.http.get("/api/history_v2/nope", headers=KEY).status_code == 404


@newest
@pytest.mark.parametrize("path", ["/api/history_v2", "/api/job/mine/status"])
def test_what_only_the_cloud_has_is_nowhere_else(client, path):
    assert client.http.get(path).status_code == 404
