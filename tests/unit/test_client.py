"""HTTP against a server that answers badly on request: asking, submitting, uploading."""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess

import pytest

from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.replies import AnswerLost, Unreadable
from comfy_widgets.errors import (
    ComfyWidgetsError,
    InputFileError,
    KeyRefused,
    NotComfyUI,
    Rejected,
    ServerError,
    ServerUnreachable,
    UploadTooLarge,
)
from tests.lib.raw_server import Cut, reply

SECRET = "sk-very-secret"
PAGE = "<html><head><title>x</title></head><body><h1>Bad Gateway</h1><p>nginx</p></body></html>"


def submit(client, graph=None):
    return client.submit(graph or {"1": {}}, prompt_id="abc", client_id="us", extra_data={}, front=False)


async def refuses_tls(server, words):
    port = server.sockets[0].getsockname()[1]
    client = Client(Address.parse(f"https://127.0.0.1:{port}"))
    async with server:
        with pytest.raises(ServerUnreachable, match=words) as caught:
            await client.system_stats()
        assert "Nobody answers" not in str(caught.value)
    await client.close()


async def speaks_http(reader, writer):
    await reader.read(100)
    writer.write(reply(PAGE, 400))
    writer.close()


# Asking and submitting


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_after_a_5xx_nobody_knows_whether_the_prompt_was_queued(talk, status):
    client, server = await talk(lambda _asked: reply(PAGE, status))
    with pytest.raises(AnswerLost, match="Bad Gateway nginx") as caught:
        await submit(client)
    assert "<" not in str(caught.value)
    assert server.paths("POST") == ["/prompt"]


async def test_a_post_whose_connection_is_reset_is_not_sent_again(talk):
    client, server = await talk(lambda _asked: Cut())
    with pytest.raises(AnswerLost, match="gave no answer to POST /prompt"):
        await submit(client)
    with pytest.raises(AnswerLost):
        await client.stop("abc")
    assert server.paths("POST") == ["/prompt", "/queue"]


@pytest.mark.parametrize("ask", [lambda client: client.queue(), lambda client: client.provide("cw_1.png", None)])
async def test_reading_is_asked_again_when_an_idle_connection_was_closed(talk, ask):
    def answer(asked):
        first_of_its_connection = all(other.connection != asked.connection for other in server.asked[:-1])
        return reply(b"{}" if asked.method == "GET" else b"") if first_of_its_connection else Cut()

    client, server = await talk(answer)
    await ask(client)
    await ask(client)
    assert [asked.connection for asked in server.asked] == [1, 1, 2]


async def test_reading_that_is_reset_twice_is_an_error(talk):
    client, server = await talk(lambda _asked: Cut())
    with pytest.raises(AnswerLost):
        await client.queue()
    assert len(server.asked) == 2


async def test_a_refused_connection_is_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = Client(Address.parse(f"127.0.0.1:{port}"))
    for call in (client.queue(), submit(client), client.provide("cw_1.png", None)):
        with pytest.raises(ServerUnreachable, match=f"Nobody answers at http://127.0.0.1:{port}.*Start ComfyUI"):
            await call
    await client.close()


@pytest.fixture
def self_signed(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_signed_is_told_so(self_signed):
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=self_signed)
    await refuses_tls(server, "The certificate of https://127.0.0.1:.* is not trusted: self.signed certificate")


async def test_https_to_a_server_without_it_is_told_so():
    listener = await asyncio.start_server(speaks_http, "127.0.0.1", 0)
    await refuses_tls(listener, "https://127.0.0.1:.* answers, but not with TLS .* http:// instead of https://")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_names_the_request_and_what_to_pass(talk, status):
    client, _ = await talk(lambda _asked: reply(PAGE, status), api_key=SECRET)
    for call in (client.system_stats(), client.queue(), submit(client), client.provide("cw_1.png", None)):
        with pytest.raises(KeyRefused, match=rf"HTTP {status}.*api_key=…") as caught:
            await call
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 413])
async def test_a_page_instead_of_a_reason_becomes_a_sentence(talk, status):
    client, _ = await talk(lambda _asked: reply(PAGE, status))
    with pytest.raises(Rejected, match=f"HTTP {status}: Bad Gateway nginx. Check") as caught:
        await submit(client)
    assert len(caught.value._render_traceback_()) <= 3


async def test_an_empty_refusal_is_still_a_sentence(talk):
    client, _ = await talk(lambda _asked: reply(b"", 404))
    with pytest.raises(Rejected, match="HTTP 404: no text"):
        await submit(client)
    with pytest.raises(ServerError, match="HTTP 404: no text"):
        await client.queue()


@pytest.mark.parametrize("body", [PAGE, "[]", "null", "", b"\xff\xfe", '{"devices": []}'])
async def test_who_is_not_comfyui_is_told_at_once(talk, body):
    client, _ = await talk(lambda _asked: reply(body))
    with pytest.raises(NotComfyUI, match="not as a ComfyUI server does"):
        await client.system_stats()


@pytest.mark.parametrize("body", [PAGE, "[]", "", b"\xff\xfe"])
async def test_an_answer_that_is_no_object_is_no_crash(talk, body):
    client, _ = await talk(lambda _asked: reply(body))
    for call in (client.queue(), client.history("abc"), client.object_info(), submit(client)):
        with pytest.raises(NotComfyUI, match=r"not JSON|not as a ComfyUI"):
            await call


async def test_a_history_that_cannot_be_written_down_is_an_error_of_the_server(talk):
    client, _ = await talk(lambda _asked: reply("500 Internal Server Error\n\nServer got itself in trouble", 500))
    with pytest.raises(Unreadable, match="can't write down the record of abc: 500 Internal Server Error"):
        await client.history("abc")


async def test_the_prompt_is_sent_as_it_is(talk):
    client, server = await talk(lambda _asked: reply({"prompt_id": "abc", "number": 1, "node_errors": {}}))
    accepted = await client.submit(
        {"1": {"inputs": {"text": "ä \ud800"}}}, prompt_id="abc", client_id="us", extra_data={"a": 1}, front=True
    )
    assert accepted.prompt_id == "abc"
    assert json.loads(server.asked[0].body) == {
        "prompt": {"1": {"inputs": {"text": "ä \ud800"}}},
        "prompt_id": "abc",
        "client_id": "us",
        "extra_data": {"a": 1},
        "front": True,
    }
    assert "origin" not in server.asked[0].headers


async def test_a_list_of_jobs_is_read_to_its_end(talk):
    jobs = [{"id": f"j{number}", "status": "pending", "priority": number} for number in range(5)]
    jobs[0]["status"] = "in_progress"

    def answer(asked):
        start = int(asked.path.partition("&offset=")[2] or 0)
        return reply({"jobs": jobs[start : start + 2], "pagination": {"has_more": start + 2 < len(jobs)}})

    client, server = await talk(answer)
    client.lists_jobs = True
    assert await client.queue() == {
        "queue_running": [[0, "j0"]],
        "queue_pending": [[number, f"j{number}"] for number in range(1, 5)],
    }
    assert len(server.asked) == 3
    server.answer = lambda _asked: reply({"jobs": [], "pagination": {"has_more": True}})
    assert await client.queue() == {"queue_running": [], "queue_pending": []}


async def test_a_server_that_lists_no_jobs_any_more_is_asked_for_its_queue(talk):
    queue = {"queue_running": [], "queue_pending": []}
    client, server = await talk(lambda asked: reply(b"", 404) if "jobs" in asked.path else reply(queue))
    client.lists_jobs = True
    assert [await client.queue(), await client.queue()] == [queue, queue]
    assert [asked.path.partition("?")[0] for asked in server.asked] == ["/api/jobs", "/queue", "/queue"]
    assert client.doubted


async def test_one_prompt_is_stopped_in_the_form_that_the_server_has(talk):
    client, server = await talk(lambda _asked: reply(b""))
    await client.stop("abc")
    assert [(asked.path, json.loads(asked.body)) for asked in server.asked] == [
        ("/queue", {"delete": ["abc"]}),
        ("/interrupt", {"prompt_id": "abc"}),
    ]
    client.lists_jobs = True
    await client.stop("abc")
    assert server.paths("POST")[2:] == ["/api/jobs/abc/cancel"]
    server.answer = lambda asked: reply(b"", 404) if "cancel" in asked.path else reply(b"")
    await client.stop("abc")
    assert server.paths("POST")[3:] == ["/api/jobs/abc/cancel", "/queue", "/interrupt"]


async def test_no_other_request_follows_a_redirect(talk):
    _, elsewhere = await talk(lambda _asked: reply({}))
    client, _ = await talk(lambda _asked: reply(b"", 302, Location=elsewhere.url), api_key=SECRET)
    for call in (client.queue(), client.object_info(), submit(client), client.stop("abc")):
        with pytest.raises(ComfyWidgetsError, match="302"):
            await call
    assert elsewhere.asked == []


# Input files


# What is in the picture says its name.
NAME = "cw_92b2fa5802895831.png"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "frame.png"
    path.write_bytes(b"a picture")
    return path


async def test_an_upload_takes_the_name_that_the_server_gives(talk, picture):
    def answer(asked):
        return reply(b"", 404) if asked.method == "HEAD" else reply({"name": "cw_1 (1).png", "subfolder": "mine"})

    client, server = await talk(answer)
    assert await client.provide(NAME, picture) == "mine/cw_1 (1).png"
    assert f'filename="{NAME}"'.encode() in server.asked[-1].body
    assert b"a picture" in server.asked[-1].body


async def test_an_input_that_is_too_large_says_how_large(talk, picture):
    client, _ = await talk(lambda _asked: reply("Maximum request body size 104857600 exceeded.", 413))
    with pytest.raises(UploadTooLarge, match=r"frame\.png has \d\.\d kB.*--max-upload-size"):
        await client.upload(NAME, picture)


async def test_an_input_that_is_gone_meanwhile_is_named(talk, picture):
    client, server = await talk(lambda _asked: reply(b"", 404))
    picture.unlink()
    with pytest.raises(InputFileError, match=r"frame\.png can't be read any more: No such file"):
        await client.provide(NAME, picture)
    assert server.paths("POST") == []


async def test_an_input_that_changed_meanwhile_is_not_sent_under_the_name_of_what_it_was(talk, picture):
    client, server = await talk(lambda _asked: reply(b"", 404))
    picture.write_bytes(b"another picture")
    with pytest.raises(InputFileError, match=r"frame\.png has changed since it was asked for\. Submit it again\."):
        await client.provide(NAME, picture)
    assert server.paths("POST") == []


async def test_an_upload_without_a_name_in_the_answer_is_an_error(talk, picture):
    client, _ = await talk(lambda _asked: reply({}))
    with pytest.raises(ServerError, match=r"frame\.png.*which name"):
        await client.upload(NAME, picture)
