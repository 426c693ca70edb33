"""How far the nodes of a running prompt are, told to its client."""

from typing import Any

from comfy_widgets.demo.context import Preview
from comfy_widgets.demo.graph import Graph
from comfy_widgets.demo.sockets import Hub, preview_frame, preview_with_metadata


class ProgressBoard:
    """The progress of each node that has begun, and the events that speak of it.

    Parameters
    ----------
    hub
        Where events go.
    graph
        The prompt's graph.
    prompt_id
        The prompt.
    client_id
        Who hears of it; None is everybody.
    """

    def __init__(self, hub: Hub, graph: Graph, prompt_id: str, client_id: str | None) -> None:
        self._hub = hub
        self._graph = graph
        self._prompt_id = prompt_id
        self._client_id = client_id
        self._nodes: dict[str, dict[str, Any]] = {}

    def start(self, node_id: str) -> None:
        """A node begins."""
        self._set(node_id, 0.0, 1.0, "running")

    def update(self, node_id: str, value: float, total: float, preview: Preview | None) -> None:
        """A node got further; its preview comes before or after, as its client asked for metadata or not."""
        self._set(node_id, value, total, "running")
        wants_metadata = bool(self._hub.flags.get(self._client_id or "", {}).get("supports_preview_metadata"))
        if preview and wants_metadata:
            names = self._graph.names(node_id)
            metadata = {
                "node_id": node_id,
                "prompt_id": self._prompt_id,
                "display_node_id": names["display_node"],
                "parent_node_id": names["parent_node"],
                "real_node_id": names["real_node_id"],
            }
            self._hub.send_bytes(preview_with_metadata(preview.image, preview.mime, metadata), self._client_id)
        data = {"value": value, "max": total, "prompt_id": self._prompt_id, "node": node_id}
        self._hub.send("progress", data, self._client_id)
        if preview and not wants_metadata:
            self._hub.send_bytes(preview_frame(preview.image, preview.mime), self._client_id)

    def finish(self, node_id: str) -> None:
        """A node has ended well, or its result was known already."""
        total = self._nodes[node_id]["max"] if node_id in self._nodes else 1
        self._set(node_id, total, total, "finished")

    def _set(self, node_id: str, value: float, total: float, state: str) -> None:
        self._nodes[node_id] = {
            "value": value,
            "max": total,
            "state": state,
            "node_id": node_id,
            "prompt_id": self._prompt_id,
            "display_node_id": self._graph.display(node_id),
            "parent_node_id": self._graph.parent(node_id),
            "real_node_id": self._graph.real(node_id),
        }
        # A copy: the event is written as JSON later, when more may have happened.
        data = {"prompt_id": self._prompt_id, "nodes": dict(self._nodes)}
        self._hub.send("progress_state", data, self._client_id)
