"""Routes about files and about the server, fact by fact as measured on the real one."""

import pytest

from tests.server.client import Client, nop, small


@pytest.fixture
def client(comfy_server):
    with Client(comfy_server) as client:
        yield client


@pytest.fixture
def item(client):
    prompt_id, _ = client.connect().run(small())
    return client.history(prompt_id)["outputs"]["1"]["images"][0]


@pytest.mark.parametrize(
    ("asked", "status", "told", "size"),
    [
        ("bytes=0-99", 206, "bytes 0-99/1000", 100),
        ("bytes=-10", 206, "bytes 990-999/1000", 10),
        ("bytes=990-", 206, "bytes 990-999/1000", 10),
        ("bytes=1000-", 416, "bytes */1000", 0),
        ("bytes=0-1,5-6", 416, "bytes */1000", 0),
        ("bytes=x", 416, "bytes */1000", 0),
    ],
)
def test_ranges(client, item, *, asked, status, told, size):
    answer = client.http.get("/view", params=item, headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (status, told)
    if status == 206:
        assert len(answer.content) == size


def test_a_whole_file_and_its_head(client, item):
    answer = client.http.get("/view", params=item)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == 'filename="small_00001_.mp4"'
    assert answer.headers["accept-ranges"] == "bytes"
    head = client.http.head("/view", params=item)
    assert (head.status_code, head.headers["content-length"]) == (200, "1000")


def test_conditions(client, item):
    etag = client.http.get("/view", params=item).headers["etag"]

    def status(**headers):
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return client.http.get("/view", params=item, headers=named).status_code

    assert status(If_None_Match=etag) == 304
    assert status(If_Match='"other"') == 412
    assert status(If_Match=etag, Range="bytes=0-9") == 206
    assert status(If_Range='"other"', Range="bytes=0-9") == 206


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("filename=nope.mp4", 404),
        ("", 404),
        ("filename=", 400),
        ("filename=..%2Fsecret", 400),
        ("filename=%2Fetc%2Fpasswd", 400),
        ("filename=a.png&type=bad", 400),
        ("filename=a.png&subfolder=..%2F..", 403),
        ("filename=small_00001_.mp4&subfolder=..%2Foutput%2Flab", 200),
        ("filename=x%2Fy%2Fsmall_00001_.mp4&subfolder=lab", 200),
        ("filename=small_00001_.mp4+%5Boutput%5D&type=input&subfolder=lab", 200),
        ("filename=small_00001_.mp4&subfolder=lab&preview=webp;90", 500),
    ],
)
def test_what_view_refuses(client, item, query, status):
    answer = client.http.get(f"/view?{query}")
    assert answer.status_code == status
    if status in {400, 403, 404}:
        assert answer.content == b""


@pytest.mark.parametrize("name", ["page.html", "code.js", "style.css"])
def test_what_a_browser_would_run_is_sent_as_bytes(comfy_server, client, name):
    comfy_server.folders.of("output").joinpath(name).write_text("x")
    assert client.http.get(f"/view?filename={name}").headers["content-type"] == "application/octet-stream"


def upload(client, content=b"one", name="a.png", field="image", path="/upload/image", **fields):
    return client.http.post(path, files={field: (name, content)}, data=fields)


def test_uploads_keep_apart_what_differs_and_join_what_does_not(comfy_server, client):
    answers = [upload(client, content).json() for content in (b"one", b"one", b"two", b"two", b"three")]
    assert [answer["name"] for answer in answers] == ["a.png", "a.png", "a (1).png", "a (1).png", "a (2).png"]
    assert answers[0] == {"name": "a.png", "subfolder": "", "type": "input"}
    assert comfy_server.folders.of("input").joinpath("a.png").read_bytes() == b"one"


@pytest.mark.parametrize(("word", "kept"), [("true", "a.png"), ("1", "a.png"), ("True", "a (1).png")])
def test_overwrite_is_a_word(client, word, kept):
    upload(client)
    assert upload(client, b"two", overwrite=word).json()["name"] == kept


def test_uploads_go_where_they_are_sent(comfy_server, client):
    assert upload(client, type="temp", subfolder="deep/er").json()["subfolder"] == "deep/er"
    assert comfy_server.folders.of("temp").joinpath("deep", "er", "a.png").is_file()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"subfolder": "../.."}, 400),
        ({"type": "bad"}, 500),
        ({"name": "a/b.png"}, 500),
        ({"field": "file"}, 400),
    ],
)
def test_uploads_that_are_refused(client, more, status):
    assert upload(client, **more).status_code == status


@pytest.mark.comfy_server(max_upload=1000)
def test_too_much_is_refused(client):
    assert upload(client, b"x" * 2000).status_code == 413
    answer = client.http.post("/prompt", content=b" " * 2000)
    assert answer.status_code == 413
    assert answer.text.startswith("Maximum request body size 1000 exceeded")


def test_a_mask_without_its_original_is_not_written(comfy_server, client):
    ref = '{"filename": "a.png", "type": "input", "subfolder": ""}'
    assert upload(client, path="/upload/mask", name="mask.png", original_ref=ref).status_code == 200
    assert not comfy_server.folders.of("input").joinpath("mask.png").exists()
    upload(client)
    upload(client, path="/upload/mask", name="mask.png", original_ref=ref)
    assert comfy_server.folders.of("input").joinpath("mask.png").is_file()


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:1", "http://127.0.0.1:1", 200),
        ("127.0.0.1:1", "http://127.0.0.1:2", 403),
        ("localhost:1", "http://127.0.0.1:1", 403),
        ("127.0.0.1:1", "null", 200),
        ("example.org", "http://other.org", 200),
        ("127.0.0.1:1", None, 200),
    ],
)
def test_foreign_origins_are_refused_on_loopback(client, host, origin, status):
    headers = {"Host": host, **({"Origin": origin} if origin else {})}
    answer = client.http.get("/prompt", headers=headers)
    assert answer.status_code == status
    assert client.http.get("/ws", headers={**headers, "Upgrade": "x"}).status_code in {403, 400, 426}


def test_the_small_routes(client):
    get = client.http.get
    stats = get("/system_stats").json()
    assert stats["system"]["comfyui_version"] == "0.3.64"
    assert stats["system"]["renderer"] == "demo"
    assert set(stats["devices"][0]) >= {"name", "type", "index", "vram_total", "vram_free"}
    assert get("/features").json()["supports_preview_metadata"] is True
    assert get("/embeddings").json() == []
    assert "checkpoints" in get("/models").json()
    assert "wan2.2_vae.safetensors" in get("/models/vae").json()
    assert get("/models/nope").status_code == 404
    assert get("/object_info/Nope").json() == {}
    assert set(get("/api/object_info/KSampler").json()) == {"KSampler"}
    assert get("/api/jobs").status_code == 404
    assert get("/history?max_items=abc").status_code == 500
    assert get("/history?max_items=0").json() == {}
    assert client.http.delete("/prompt").status_code == 405
    unknown = client.http.get("/nope/deeper")
    assert (unknown.status_code, unknown.content) == (404, b"")
    assert unknown.headers["content-type"] == "application/octet-stream"
    assert client.http.options("/nope").status_code == 200


def test_the_journal_is_there_over_http(comfy_server, client):
    client.connect().run(nop())
    journal = client.http.get("/demo/journal").json()
    assert journal["requests"]["POST /prompt"] == 1
    assert list(journal["fates"].values()) == ["success"]
    assert comfy_server.journal.posts("/prompt") == 1


def test_history_is_dropped_oldest_first(client):
    client.connect()
    ids = [client.run(nop(n))[0] for n in range(5)]
    assert list(client.http.get("/history?max_items=2").json()) == ids[-2:]
    assert list(client.http.get("/history?offset=1&max_items=2").json()) == ids[1:3]


@pytest.mark.comfy_server(history_limit=2)
def test_history_has_a_limit(client):
    client.connect()
    ids = [client.run(nop(n))[0] for n in range(5)]
    assert list(client.http.get("/history").json()) == ids[-3:]
