"""Any graph, drawn as the editor could have saved it, is that graph again."""

import contextlib
import copy
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_widgets.convert import to_api
from comfy_widgets.editor.values import declared
from comfy_widgets.errors import WorkflowError

DATA = Path(__file__).parent / "data"
CLASSES = json.loads((DATA / "ui_object_info.json").read_text("utf-8"))
SAVED = [
    json.loads((DATA / f"ui_{name}.json").read_text("utf-8"))["workflow"]
    for name in ("one_level", "subgraphs", "proxies", "group")
]
# These have inputs that come and go; the recorded workflows have them.
USED = sorted(set(CLASSES) - {"MadeSave", "MadeBatch", "MadeCount"})
CONTROLS = ["fixed", "increment", "decrement", "randomize"]
WIDGETS = {
    "INT": st.integers(0, 2**53),
    "FLOAT": st.floats(0, 100, allow_nan=False),
    "STRING": st.text(max_size=8),
    "BOOLEAN": st.booleans(),
}


@st.composite
def graphs(draw):
    """A graph in the API format: every widget has a value, sockets are linked to earlier nodes or left open."""
    graph, outputs = {}, []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        kind = draw(st.sampled_from(USED))
        inputs = {}
        for one in declared(CLASSES[kind]):
            sources = [[node, slot] for node, slot, given_ in outputs if given_ == one.kind]
            if one.kind == "COMBO":
                inputs[one.name] = draw(st.sampled_from(one.choices))
            elif one.kind in WIDGETS and not (one.kind == "INT" and sources and draw(st.booleans())):
                inputs[one.name] = draw(WIDGETS[one.kind])
            elif sources:
                inputs[one.name] = draw(st.sampled_from(sources))
        graph[str(number)] = {
            "inputs": inputs,
            "class_type": kind,
            "_meta": {"title": draw(st.sampled_from(["A", "B"]))},
        }
        outputs += [(str(number), slot, given_) for slot, given_ in enumerate(CLASSES[kind]["output"])]
    return graph


class Drawing:
    """A workflow while it is drawn: `draw` decides by which of the editor's means."""

    def __init__(self, graph, draw):
        self.draw = draw
        self.nodes, self.links, self.definitions = [], [], []
        self.at = {node_id: node_id for node_id in graph}
        self.count = 100
        for node_id, node in graph.items():
            self.node(
                int(node_id), node["class_type"], CLASSES[node["class_type"]]["output"], title=node["_meta"]["title"]
            )
        for node_id, node in graph.items():
            self.fill(self.find(int(node_id)), node)

    def next(self):
        self.count += 1
        return self.count

    def find(self, number):
        return next(node for node in self.nodes if node["id"] == number)

    def node(self, number, kind, outputs, values=None, **more):
        node = {"id": number, "type": kind, "mode": 0, "inputs": [], **more}
        node["outputs"] = [{"name": name, "type": name, "links": []} for name in outputs]
        if values is not None:
            node["widgets_values"] = values
        self.nodes.append(node)
        return node

    def fill(self, node, told):
        values = {}
        for one in declared(CLASSES[node["type"]]):
            value = told["inputs"].get(one.name)
            if not one.name:
                if self.draw(st.booleans()):
                    values["upload"] = "image"
                continue
            if one.kind not in {*WIDGETS, "COMBO"}:
                self.socket(node, one.name, one.kind, value)
                continue
            shown = value
            if isinstance(value, list):
                self.socket(node, one.name, one.kind, value, widget=True)
                shown = 5
            elif self.draw(st.integers(0, 3)) == 0:
                shown = one.default
                primitive = self.node(self.next(), "PrimitiveNode", [one.kind], [value, "fixed"])
                primitive["outputs"][0]["widget"] = {"name": one.name}
                self.socket(node, one.name, one.kind, [primitive["id"], 0], widget=True, plain=True)
            values[one.name] = shown
            if one.has_control:
                values["control_after_generate"] = self.draw(st.sampled_from(CONTROLS))
        form = self.draw(st.integers(0, 2))
        node["widgets_values"] = values if form == 0 else list(values.values())
        if form == 1:
            node["widgets_values_named"] = values

    def socket(self, node, name, kind, source, *, widget=False, plain=False):
        entry = {"name": name, "type": kind, "link": None, **({"widget": {"name": name}} if widget else {})}
        node["inputs"].append(entry)
        if source is not None:
            at = (int(source[0]), source[1])
            for _ in range(0 if plain else self.draw(st.integers(0, 2))):
                at = self.detour(at, kind)
            self.link(at, node, len(node["inputs"]) - 1, kind)

    def detour(self, at, kind):
        """One of the things that may stand between two nodes."""
        way = self.draw(st.sampled_from(["reroute", "bypassed", "set"]))
        if way == "set":
            name = f"value {self.next()}"
            setter = self.node(self.next(), "SetNode", ["*"], [name])
            setter["inputs"].append({"name": kind, "type": kind, "link": None})
            self.link(at, setter, 0, kind)
            return self.node(self.next(), "GetNode", [kind], [name])["id"], 0
        if way == "reroute":
            node = self.node(self.next(), "Reroute", [kind])
            node["inputs"].append({"name": "", "type": "*", "link": None})
            self.link(at, node, 0, kind)
        else:
            node = self.node(self.next(), "OfAPackThatIsNotThere", [kind], [1, 2], mode=4)
            node["inputs"] += [{"name": "x", "type": "OTHER", "link": None}, {"name": "y", "type": kind, "link": None}]
            self.link(at, node, 1, kind)
        return node["id"], 0

    def link(self, at, node, slot, kind):
        key = self.next()
        node["inputs"][slot]["link"] = key
        self.find(at[0])["outputs"][at[1]]["links"].append(key)
        self.links.append([key, *at, node["id"], slot, kind])

    def nest(self, inside):
        """Move nodes into a subgraph, and a node that stands for it into their place."""
        key, host = f"subgraph {self.next()}", self.node(self.next(), "", [])
        host["type"] = key
        inner = [node for node in self.nodes if node["id"] in inside]
        kept, within, inputs, outputs, values = [], [], [], {}, []
        for link in self.links:
            number, origin, slot, target, place, kind = link
            if origin in inside and target in inside:
                within.append(link)
            elif target in inside:
                within.append([number, -10, len(inputs), target, place, kind])
                inputs.append({"name": f"in {number}", "type": kind})
                if self.find(target)["inputs"][place].get("widget"):
                    # The host shows every widget that an input leads to; this one is linked, so it does not count.
                    values.append("not this")
                outer = self.next()
                host["inputs"].append({**inputs[-1], "link": outer})
                kept.append([outer, origin, slot, host["id"], len(inputs) - 1, kind])
            elif origin in inside:
                if (origin, slot) not in outputs:
                    outputs[origin, slot] = len(outputs)
                    within.append([self.next(), origin, slot, -20, outputs[origin, slot], kind])
                    host["outputs"].append({"name": f"out {slot}", "type": kind, "links": []})
                host["outputs"][outputs[origin, slot]]["links"].append(number)
                kept.append([number, host["id"], outputs[origin, slot], target, place, kind])
            else:
                kept.append(link)
        host["widgets_values"] = values + list(self.promote(inner, inputs, within))
        self.nodes = [node for node in self.nodes if node["id"] not in inside]
        self.links = kept
        self.definitions.append(
            {
                "id": key,
                "nodes": inner,
                "links": self.form(within),
                "inputs": inputs,
                "outputs": [{"name": entry["name"], "type": entry["type"]} for entry in host["outputs"]],
            }
        )
        top = {str(number) for number in inside}
        self.at = {
            node: f"{host['id']}:{path}" if path.partition(":")[0] in top else path for node, path in self.at.items()
        }

    def promote(self, inner, inputs, within):
        """Show some values at the host: what is inside keeps another one, that does not count."""
        for node in inner:
            values = node.get("widgets_values")
            if node["type"] not in CLASSES or not isinstance(values, dict):
                continue
            taken = {entry["name"] for entry in node["inputs"]}
            for one in declared(CLASSES[node["type"]]):
                if one.kind == "STRING" and one.name not in taken and values[one.name] and self.draw(st.booleans()):
                    number = self.next()
                    node["inputs"].append(
                        {"name": one.name, "type": "STRING", "link": number, "widget": {"name": one.name}}
                    )
                    within.append([number, -10, len(inputs), node["id"], len(node["inputs"]) - 1, "STRING"])
                    inputs.append({"name": f"in {number}", "type": "STRING"})
                    yield values[one.name]
                    values[one.name] = "not this"

    def form(self, links):
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        return [dict(zip(names, link, strict=True)) for link in links] if self.draw(st.booleans()) else links

    def saved(self):
        for _ in range(self.draw(st.integers(0, 3))):
            # A getter finds its setter further out, not further in.
            free = [node["id"] for node in self.nodes if node["type"] != "SetNode"]
            if free:
                self.nest(set(self.draw(st.lists(st.sampled_from(free), min_size=1, unique=True))))
        return {
            "nodes": self.draw(st.permutations(self.nodes)),
            "links": self.form(self.links),
            "definitions": {"subgraphs": self.definitions},
            "version": 0.4,
        }


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_graph_drawn_in_the_editor_is_the_same_graph(data):
    graph = data.draw(graphs())
    drawing = Drawing(graph, data.draw)
    saved = json.loads(json.dumps(drawing.saved()))
    expected = {
        drawing.at[node_id]: {
            **node,
            "inputs": {
                name: [drawing.at[value[0]], value[1]] if isinstance(value, list) else value
                for name, value in node["inputs"].items()
            },
        }
        for node_id, node in graph.items()
    }
    assert to_api(saved, CLASSES) == expected


def places(value, path=()):
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


PLACES = [list(places(workflow)) for workflow in SAVED]
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-20, -10, -1, 0, 1, 10**30, 0.5, float("nan"), "", "x", "1", "MadeText"]),
    st.sampled_from([[], {}, [1], [[]], {"name": 1}]),
)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damage_is_named_or_does_not_matter(data):
    number = data.draw(st.integers(0, len(SAVED) - 1))
    workflow = copy.deepcopy(SAVED[number])
    for path in data.draw(st.lists(st.sampled_from(PLACES[number]), min_size=1, max_size=3)):
        around = workflow
        try:
            for key in path[:-1]:
                around = around[key]
            around[path[-1]] = data.draw(WRONG)
        except (LookupError, TypeError):
            # An earlier damage took the place away.
            continue
    with contextlib.suppress(WorkflowError):
        to_api(workflow, CLASSES)
