"""Faults of files: what /view breaks off, slows down or does not find, and what a node saved in vain."""

import contextlib
import time

import httpx
import pytest

from tests.server.client import Client, small, wait_for_fate, with_faults


@pytest.fixture
def client(comfy_server):
    with Client(comfy_server) as client:
        yield client


def finished(server, client, graph):
    prompt_id = client.post(graph).json()["prompt_id"]
    wait_for_fate(server, prompt_id, "success")
    outputs = client.history(prompt_id)["outputs"]
    return next(iter(outputs.values()))["images"][0]


@with_faults("view:truncate=100@mp4")
def test_a_file_breaks_off_once(comfy_server, client):
    item = finished(comfy_server, client, small())
    with pytest.raises(httpx.RemoteProtocolError):
        client.http.get("/view", params=item)
    assert len(client.http.get("/view", params=item).content) == 1000


@with_faults("view:slow=5000")
def test_a_file_comes_slowly(comfy_server, client):
    item = finished(comfy_server, client, small())
    began = time.monotonic()
    assert len(client.http.get("/view", params=item).content) == 1000
    assert time.monotonic() - began >= 0.2


@with_faults("view:missing@mp4")
def test_a_file_is_missing_once(comfy_server, client):
    item = finished(comfy_server, client, small())
    assert [client.http.get("/view", params=item).status_code for _ in range(2)] == [404, 200]


@pytest.mark.parametrize("fault", ["view:slow=100000", "view:truncate=15"])
def test_a_spoiled_file_has_the_tags_and_ranges_of_any_other(comfy_server, client, fault):
    item = finished(comfy_server, client, small())
    whole = client.http.get("/view", params=item)
    wanted = {"etag", "last-modified", "accept-ranges", "content-length", "content-type", "content-disposition"}
    comfy_server.inject(fault)
    with client.http.stream("GET", "/view", params=item) as spoiled:
        assert {name: spoiled.headers[name] for name in wanted} == {name: whole.headers[name] for name in wanted}
    part = client.http.get("/view", params=item, headers={"Range": "bytes=10-19", "If-Match": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert client.http.get("/view", params=item, headers={"If-Match": '"other"'}).status_code == 412
    assert client.http.get("/view", params=item, headers={"Range": "bytes=5000-"}).status_code == 416


@with_faults("view:truncate=100@mp4")
def test_a_file_that_broke_off_can_be_continued(comfy_server, client):
    item = finished(comfy_server, client, small())
    begun = b""
    with client.http.stream("GET", "/view", params=item) as answer:
        tag = answer.headers["etag"]
        with contextlib.suppress(httpx.RemoteProtocolError):
            for piece in answer.iter_raw():
                begun += piece
    assert len(begun) == 100
    rest = client.http.get("/view", params=item, headers={"Range": "bytes=100-", "If-Match": tag})
    assert (rest.status_code, len(rest.content)) == (206, 900)
    assert begun + rest.content == client.http.get("/view", params=item).content


KEY = {"X-API-Key": "demo"}


@with_faults("view:truncate=100@mp4", "view:missing@mp4#2", release="cloud")
def test_in_the_cloud_it_is_the_store_that_spoils_files(comfy_server, client):
    prompt_id = client.http.post("/api/prompt", json={"prompt": small()}, headers=KEY).json()["prompt_id"]
    wait_for_fate(comfy_server, prompt_id, "success")
    record = client.http.get(f"/api/history/{prompt_id}", headers=KEY).json()[prompt_id]
    asked = {"params": record["outputs"]["1"]["images"][0], "headers": KEY}
    place = client.http.get("/api/view", **asked).headers["location"]
    assert comfy_server.journal.faults() == []
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(place)
    assert [httpx.get(place).status_code for _ in range(2)] == [404, 200]
    assert comfy_server.journal.faults() == ["view:truncate=100@mp4", "view:missing@mp4#2"]


@with_faults("view:slow=20000", "view:truncate=100@mp4")
def test_a_file_may_come_slowly_and_break_off(comfy_server, client):
    item = finished(comfy_server, client, small())
    with pytest.raises(httpx.RemoteProtocolError):
        client.http.get("/view", params=item)
    assert comfy_server.journal.faults() == ["view:slow=20000", "view:truncate=100@mp4"]


@with_faults("view:truncate=1000", "output:truncate=1000", "view:slow=20000@2")
def test_what_changes_nothing_is_not_in_the_journal(comfy_server, client):
    item = finished(comfy_server, client, small())
    assert len(client.http.get("/view", params=item).content) == 1000
    assert client.http.head("/view", params=item).status_code == 200
    assert comfy_server.journal.faults() == []


@with_faults("output:missing@mp4")
def test_a_saved_file_goes_away_again(comfy_server, client):
    item = finished(comfy_server, client, small())
    assert client.http.get("/view", params=item).status_code == 404
    assert comfy_server.journal.of("fault")[0]["file"] == item["filename"]


@with_faults("output:truncate=10@mp4")
def test_a_saved_file_is_cut(comfy_server, client):
    item = finished(comfy_server, client, small())
    assert len(client.http.get("/view", params=item).content) == 10
