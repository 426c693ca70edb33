from comfy_widgets.demo.fixtures import comfy_server, pytest_configure  # noqa: F401 - the plugin, also where it is not installed
