"""Keys and passwords go to the server that they are for, and nowhere else."""

import asyncio
import logging
import traceback

import pytest

from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.replies import OutputFile
from comfy_widgets.comfyui.socket import Socket
from comfy_widgets.errors import ComfyWidgetsError, KeyRefused, ServerUnreachable
from tests.lib.raw_server import Cut, reply

SECRET = "sk-very-secret"
OUTPUT = OutputFile("9", "film.mp4", "video", "output")


def told(error):
    """Everything that a person or a log could see of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(getattr(error, "_render_traceback_", str)())


async def test_a_key_shows_nowhere(talk, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    client, server = await talk(lambda _asked: Cut(), api_key=SECRET, headers={"X-Proxy": SECRET})
    client.address = Address.parse(server.url.replace("://", f"://me:{SECRET}@"), api_key=SECRET)
    for call in (client.queue(), client.stop("abc"), client.fetch(OUTPUT, tmp_path / "part", print)):
        with pytest.raises(ComfyWidgetsError) as caught:
            await call
        assert SECRET not in told(caught.value)
    assert server.asked[0].headers["x-api-key"] == SECRET
    assert SECRET not in f"{client!r} {client.address!r} {client.address} {client.address.name}"
    assert SECRET not in caplog.text


async def hear(server, prefix=""):
    """Open a socket and wait until it has closed again or was refused."""
    changed = asyncio.Event()
    client = Client(Address.parse(server.url, api_key=SECRET), prefix=prefix)
    listening = Socket(client, "us", lambda _event: None, changed.set)
    task = asyncio.ensure_future(listening.run())
    await asyncio.wait_for(changed.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return listening


@pytest.mark.parametrize(("prefix", "query"), [("", "clientId=us"), ("/api", f"clientId=us&token={SECRET}")])
async def test_the_socket_shows_its_key_to_the_server_and_not_to_the_log(talk, caplog, prefix, query):
    caplog.set_level(logging.DEBUG)
    _, server = await talk(lambda _asked: reply(b"", 403))
    listening = await hear(server, prefix)
    assert listening.refused == "HTTP 403"
    assert server.asked[0].headers["x-api-key"] == SECRET
    assert server.asked[0].path == f"/ws?{query}"
    assert SECRET not in caplog.text + repr(listening)


async def test_the_socket_follows_no_redirect(talk):
    _, elsewhere = await talk(lambda _asked: reply(b"", 404))
    _, server = await talk(lambda _asked: reply(b"", 307, Location=f"{elsewhere.url.replace('http', 'ws')}/ws"))
    listening = await hear(server)
    assert listening.refused == "HTTP 307"
    assert len(server.asked) == 1
    assert elsewhere.asked == []


# Addresses


@pytest.mark.parametrize(
    ("written", "url", "shown"),
    [
        ("gpu-1:8188", "http://gpu-1:8188", "http://gpu-1:8188"),
        ("https://host/comfy/", "https://host/comfy", "https://host/comfy"),
        ("0.0.0.0:8188", "http://127.0.0.1:8188", "http://127.0.0.1:8188"),
        ("http://10.0.0.0:1", "http://10.0.0.0:1", "http://10.0.0.0:1"),
        ("[::1]:8188", "http://[::1]:8188", "http://[::1]:8188"),
        (f"http://me:{SECRET}@host:1/x", f"http://me:{SECRET}@host:1/x", "http://host:1/x"),
    ],
)
def test_addresses_as_people_write_them(written, url, shown):
    address = Address.parse(written)
    assert (address.url, str(address)) == (url, shown)
    assert address.socket_url == "ws" + url.removeprefix("http") + "/ws"


@pytest.mark.parametrize(
    "written",
    ["", "http://", "ftp://host", "http://[::1", "host:port", "host:99999", f"htp://me:{SECRET}@host?token={SECRET}"],
)
def test_what_is_no_address_is_said_without_what_is_secret_in_it(written):
    with pytest.raises(ServerUnreachable, match="is not the address of a server") as caught:
        Address.parse(written)
    assert SECRET not in told(caught.value)


def test_a_key_read_from_a_file_is_sent_without_its_line_end():
    assert Address.parse("host", api_key=f" {SECRET}\n").headers["X-API-Key"] == SECRET


@pytest.mark.parametrize("bad", [f"{SECRET}\r\nX-Other: 1", f"{SECRET}…", f"{SECRET}\x00"])
def test_a_key_that_no_header_can_carry_is_told_and_not_shown(bad):
    for options in ({"api_key": bad}, {"headers": {"X-Proxy": bad}}):
        with pytest.raises(KeyRefused, match=r"The header X-.* can't carry") as caught:
            Address.parse("host", **options)
        assert SECRET not in told(caught.value)
