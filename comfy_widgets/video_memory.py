"""Models of a graph that are larger than a server's video memory (pure): a warning, never a refusal.

ComfyUI keeps in main memory what does not fit, so such a graph may run, slowly. How much more a picture size or a
length needs depends on the model; nothing that a server tells says it, so nothing is said of it here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from comfy_widgets import graphs
from comfy_widgets.expected import Expected, folder_of, names_model
from comfy_widgets.problems import Problem

_GIGABYTE = 1e9


class ModelFile(NamedTuple):
    """A file that a node loads into video memory."""

    node_id: str
    input: str
    folder: str
    name: str


def models(graph: Mapping[str, Any], classes: Mapping[str, Any]) -> list[ModelFile]:
    """The files of models that a graph loads as they are, whatever leads to an output or not."""
    return [file for node_id, node in graph.items() for file in _of_node(node_id, node, classes)]


def _of_node(node_id: str, node: Mapping[str, Any], classes: Mapping[str, Any]) -> Iterator[ModelFile]:
    inputs = node.get("inputs")
    values = inputs if isinstance(inputs, Mapping) else {}
    settings = [value for value in values.values() if isinstance(value, str) and not names_model(value)]
    if "cpu" in settings or any("fp8" in value for value in settings):
        # It stays in main memory, or is made smaller than its file.
        return
    info = classes.get(str(node.get("class_type")))
    for name, value in values.items():
        one = Expected(name, "COMBO", required=True)
        folder = folder_of(one, info) if isinstance(info, Mapping) and names_model(value) else None
        if folder:
            yield ModelFile(node_id, name, folder, value)


def too_large(
    graph: graphs.Graph, files: list[ModelFile], sizes: Mapping[str, Mapping[str, int]], room: int
) -> list[Problem]:
    """Tell of each model that is larger than the video memory.

    Parameters
    ----------
    graph
        In ComfyUI's API format.
    files
        Its models.
    sizes
        Folder → name → bytes, as far as they are known.
    room
        Bytes of video memory that models can have.

    Examples
    --------
    >>> graph = {"37": {"class_type": "UNETLoader", "inputs": {"unet_name": "wan.safetensors"}}}
    >>> classes = {"UNETLoader": {"output": ["MODEL"]}}
    >>> sizes = {"diffusion_models": {"wan.safetensors": 28_600_000_000}}
    >>> too_large(graph, models(graph, classes), sizes, 12_000_000_000)[0].wrong
    'wan.safetensors has 28.6 GB, and the server has 12.0 GB of video memory for it.'
    """
    return [
        Problem(
            "video_memory_low",
            f"{file.name} has {_in_words(size)}, and the server has {_in_words(room)} of video memory for it.",
            "It will be slow or run out of memory: use a smaller file, or end other programs there.",
            file.node_id,
            graphs.title_of(graph, file.node_id),
            file.input,
            certain=False,
        )
        for file in files
        if (size := sizes.get(file.folder, {}).get(file.name, 0)) > room
    ]


def _in_words(size: int) -> str:
    return f"{size / _GIGABYTE:.1f} GB"
