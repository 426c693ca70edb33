import os

import pytest


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch):
    """No test sees the server, key or cache of the person who runs it."""
    for name in list(os.environ):
        if name.startswith("COMFY_") and name != "COMFY_WIDGETS_CHROMIUM":
            monkeypatch.delenv(name)
