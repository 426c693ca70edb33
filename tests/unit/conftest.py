"""What several unit tests start."""

import pytest
from hypothesis import HealthCheck, settings

from comfy_widgets.comfyui.address import Address
from comfy_widgets.comfyui.client import Client
from tests.lib.raw_server import RawServer

# A busy machine is no defect.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
async def talk():
    """A client and the server it talks to, whose answers are those of a function."""
    opened = []

    async def start(answer, **address):
        server = await RawServer(answer).__aenter__()
        client = Client(Address.parse(server.url, **address))
        opened.extend([client.close, lambda: server.__aexit__(None, None, None)])
        return client, server

    yield start
    for close in opened:
        await close()
