"""All that knows ComfyUI's wire, and nothing else does."""
