"""What differs between the releases of ComfyUI that are in use."""

import re
from dataclasses import dataclass
from typing import Any

from comfy_widgets.demo.nodes.base import Spec
from comfy_widgets.demo.settings import Release

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one release.

    Parameters
    ----------
    version
        What /system_stats says.
    canonical_ids
        A prompt id must be a lower-case UUID with hyphens.
    jobs
        /api/jobs exists.
    names_missing_nodes, names_cycles
        Unknown node types and cycles have error types of their own.
    hides_keys
        Keys of partner nodes are not shown in /queue.
    chooses_previews
        A prompt says by ``preview_method`` of its extra data whether it wants pictures of its work.
    refuses_cross_site
        Requests that a browser sends from another site are refused.
    cloud
        Comfy Cloud's form: the prefix /api, a key, redirects to a store.
    """

    version: str
    canonical_ids: bool = False
    jobs: bool = False
    names_missing_nodes: bool = False
    names_cycles: bool = False
    hides_keys: bool = False
    checks_new_combos: bool = False
    chooses_previews: bool = False
    refuses_cross_site: bool = False
    cloud: bool = False

    def no_class(self, node_id: str, node: Any) -> dict[str, Any]:
        """A node without class_type."""
        message = "Cannot execute because a node is missing the class_type property."
        return self._missing(node_id, None, node, message)

    def unknown_class(self, node_id: str, node: Any) -> dict[str, Any]:
        """A node of a type that is not installed."""
        return self._missing(
            node_id, node["class_type"], node, f"Cannot execute because node {node['class_type']} does not exist."
        )

    def _missing(self, node_id: str, class_type: str | None, node: Any, message: str) -> dict[str, Any]:
        details = f"Node ID '#{node_id}'"
        if not self.names_missing_nodes:
            return {"type": "invalid_prompt", "message": message, "details": details, "extra_info": {}}
        title = node.get("_meta", {}).get("title") if isinstance(node, dict) else None
        extra = {"node_id": node_id, "class_type": class_type, "node_title": title or class_type}
        return {"type": "missing_node_type", "message": message, "details": details, "extra_info": extra}

    def checks_choice(self, spec: Spec) -> bool:
        """Whether validation looks at this combo's values."""
        return self.checks_new_combos or not spec.new_form

    def good_id(self, prompt_id: Any) -> bool:
        """Whether a client may choose this prompt id."""
        return not self.canonical_ids or (isinstance(prompt_id, str) and bool(_CANONICAL.fullmatch(prompt_id)))


_NEWEST = {
    "canonical_ids": True,
    "jobs": True,
    "names_missing_nodes": True,
    "names_cycles": True,
    "hides_keys": True,
    "checks_new_combos": True,
    "chooses_previews": True,
    "refuses_cross_site": True,
}

RULES: dict[Release, Rules] = {
    "0.3.64": Rules("0.3.64"),
    "newest": Rules("0.45.2", **_NEWEST),
    "cloud": Rules("0.45.2", **_NEWEST, cloud=True),
}
