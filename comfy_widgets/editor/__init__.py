"""What ComfyUI's editor saves, and how it is meant: read by `comfy_widgets.convert`."""
