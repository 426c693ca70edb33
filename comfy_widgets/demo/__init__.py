"""An embedded server that answers as ComfyUI does, without a GPU.

It runs real graphs node by node and writes real video files, whose pictures are simulated. Newcomers, tutorials and
tests use it; so can anybody who writes a ComfyUI client, see FAULTS.md for what it can do wrong on request.
"""

from comfy_widgets.demo.process import Process, start
from comfy_widgets.demo.server import DemoServer
from comfy_widgets.demo.settings import Settings

__all__ = ["DemoServer", "Process", "Settings", "start"]
