"""Behind a reverse proxy with TLS and a path of its own: HTTP and the socket go one way, with the key."""

import ssl

import pytest
import trustme

from comfy_widgets import Studio, Workflow
from comfy_widgets.comfyui.replies import AnswerLost
from comfy_widgets.comfyui.tracker import tracker_for
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import NotComfyUI, ServerUnreachable
from tests.lib.graphs import wan
from tests.lib.proxy import proxied
from tests.tracker.test_scenarios import settled, simple

pytestmark = pytest.mark.slow

KEY = "hush-hush-secret"
PREFIX = "/comfy/gpu%201"


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority, tmp_path, monkeypatch):
    """Their authority is trusted as the message about certificates says."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("release", ["0.3.64", "newest"])
async def test_takes_are_made_stopped_and_told_of_by_the_socket(tmp_path, tls, picture, release):
    async with (
        DemoServer(step_seconds=0.0, key=KEY, release=release) as server,
        proxied(server.url, prefix=PREFIX, tls=tls) as url,
        Studio(url, cache=tmp_path / "takes", api_key=KEY) as studio,
    ):
        held = server.hold("LabSlow", step=1)
        first, second = (studio.submit(simple(seed)) for seed in (1, 2))
        with_upload = studio.submit(Workflow(wan(keyframe=True)), keyframe=picture(), seed=3)
        await held
        await settled(with_upload, 2)
        assert tracker_for(studio.address)._socket.open
        await second.cancel()
        assert second.status == "cancelled"
        held.release()
        assert (await first).path.exists()
        assert (await with_upload).kind == "video"
        assert server.journal.of("upload")
        assert server.journal.posts("/prompt") == 3


async def test_a_certificate_that_nobody_vouches_for(tmp_path, tls):
    async with (
        DemoServer(step_seconds=0.0) as server,
        proxied(server.url, tls=tls) as url,
        Studio(url, cache=tmp_path) as studio,
    ):
        with pytest.raises(ServerUnreachable, match=r"certificate of https.* not trusted.*SSL_CERT_FILE"):
            await studio.submit(simple())


@pytest.mark.usefixtures("trusted")
async def test_https_written_as_http(tmp_path, tls):
    async with (
        DemoServer(step_seconds=0.0) as server,
        proxied(server.url, tls=tls) as url,
        Studio(url.replace("https", "http"), cache=tmp_path) as studio,
    ):
        with pytest.raises(
            AnswerLost, match=r"disconnected without sending a response\. Try its address with https://"
        ):
            await studio.submit(simple())


async def test_a_path_that_was_forgotten(tmp_path):
    async with (
        DemoServer(step_seconds=0.0) as server,
        proxied(server.url, prefix="/comfy") as url,
        Studio(url.removesuffix("/comfy"), cache=tmp_path) as studio,
    ):
        with pytest.raises(NotComfyUI):
            await studio.submit(simple())
