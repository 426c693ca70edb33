"""A pytest fixture for whoever tests a ComfyUI client.

With comfy-widgets installed, ``comfy_server`` is there in every test::

    def test_my_client(comfy_server):
        my_client.run(comfy_server.url)
        assert comfy_server.journal.posts("/prompt") == 1

    @pytest.mark.comfy_server(release="newest", faults=("ws:cut@7",))
    def test_my_client_survives(comfy_server): ...
"""

from collections.abc import Iterator
from typing import Any

import pytest

from comfy_widgets.demo.server import DemoServer
from comfy_widgets.demo.settings import Settings

#: Tests do not want to wait for simulated sampling.
DEFAULTS: dict[str, Any] = {"step_seconds": 0.0}


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "comfy_server(**settings): settings of the embedded server of this test")


def settings_for(request: pytest.FixtureRequest) -> Settings:
    """The settings that a test asks for, by an indirect parameter or by its markers; the nearest one wins."""
    given = getattr(request, "param", None)
    if isinstance(given, Settings):
        return given
    chosen = {**DEFAULTS}
    for marker in reversed(list(request.node.iter_markers("comfy_server"))):
        chosen |= marker.kwargs
    return Settings(**{**chosen, **(given or {})})


@pytest.fixture
def comfy_server(request: pytest.FixtureRequest) -> Iterator[DemoServer]:
    """An embedded server in a thread of its own, gone after the test."""
    with DemoServer(settings_for(request)) as server:
        yield server
