"""Recordings of a real server in a reduced form: what a client did and saw, without ids, times and wordings."""

import ast
import base64
import json
import math
import re
import struct
from pathlib import Path

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[3] / "shared" / "comfyui" / "traces"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WORDS = {"message", "details", "exception_message", "fullpath", "workflow", "text", "received_value"}
FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
WORKING_NOTES = {"SIGKILL": "restart", "SIGTERM": "restart"}


class Names:
    """Stands in for ids: the same id gets the same name, in the order in which they appear."""

    def __init__(self):
        self.known = {}

    def prompt(self, value):
        return self.known.setdefault(value, f"P{sum(name.startswith('P') for name in self.known.values()) + 1}")

    def client(self, value, sock):
        self.known.setdefault(value, f"C-{sock}")

    def replace(self, text):
        for value in sorted(self.known, key=len, reverse=True):
            text = text.replace(value, f"<{self.known[value]}>") if len(value) > 6 else text
        return UUID.sub("<other>", text)


def shape(value, names, key=""):  # noqa: PLR0911 - one line for each kind of value
    """A value without what may differ: wordings, times, counters in file names, server paths."""
    if isinstance(value, dict):
        if set(value) >= {"filename", "subfolder", "type"}:
            return {
                **{k: shape(v, names, k) for k, v in value.items()},
                "filename": value["filename"].rpartition(".")[2],
            }
        return {names.replace(k): shape(v, names, k) for k, v in value.items()}
    if isinstance(value, list):
        return shape_list(value, names, key)
    if isinstance(value, str):
        return "..." if key in WORDS else names.replace(value)
    if key == "timestamp" or key in {"mtime", "create_time"}:
        return "time"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def shape_list(value, names, key):
    if key == "traceback":
        return ["..."] if value else []
    if key == "input_config":
        return [value[0] if isinstance(value[0], str) else "choices"]
    if key in {"executed", "current_outputs", "nodes", "dependent_outputs"} and all(isinstance(v, str) for v in value):
        return sorted(names.replace(v) for v in value)
    if len(value) == 5 and isinstance(value[2], dict) and isinstance(value[4], list):
        # The last of a prompt's five parts is a set of nodes: its order means nothing.
        value = [*value[:4], sorted(value[4])]
    return [shape(v, names, key) for v in value]


def shape_event(data, names):
    """One text message: its type and its data."""
    kind, facts = data["type"], data["data"]
    if kind == "progress_state":
        nodes = {
            k: [v["value"], v["max"], v["state"], v["display_node_id"], v["parent_node_id"], v["real_node_id"]]
            for k, v in facts["nodes"].items()
        }
        fields = sorted({field for v in facts["nodes"].values() for field in v})
        return [kind, {"prompt_id": names.replace(facts["prompt_id"]), "nodes": nodes, "fields": fields}]
    if kind == "status":
        return [kind, {k: shape(v, names, k) for k, v in facts.items()}]
    facts = {k: inputs_only(v) if k == "current_inputs" else v for k, v in facts.items()}
    return [kind, shape(facts, names)]


def inputs_only(value):
    return sorted(value) if isinstance(value, dict) else value


def shape_bytes(raw, names):
    """One binary message: its kind, and what its head says."""
    (kind,) = struct.unpack(">I", raw[:4])
    if kind == 1:
        return ["binary", 1, struct.unpack(">I", raw[4:8])[0]]
    (length,) = struct.unpack(">I", raw[4:8])
    head = raw[8 : 8 + length].decode()
    if kind == 4:
        return ["binary", 4, shape(json.loads(head), names)]
    return ["binary", kind, head, raw[8 + length :].decode()]


def shape_response(response, names):
    if isinstance(response, dict) and "status" not in response:
        response = {k: strip_history(v) for k, v in response.items()}
    return shape(response, names)


def strip_history(entry):
    """Errors in a history entry, without the inputs' values."""
    if not (isinstance(entry, dict) and "status" in entry and isinstance(entry["status"], dict)):
        return entry
    messages = [
        [event, {k: inputs_only(v) if k == "current_inputs" else v for k, v in facts.items()}]
        for event, facts in entry["status"]["messages"]
    ]
    return {**entry, "status": {**entry["status"], "messages": messages}}


def reduce(events):
    """A whole recording as steps; requests are kept so that they can be sent again."""
    names, steps = Names(), []
    events = in_the_order_they_ran(events)
    for event in sorted(events, key=lambda e: e["t"]):
        if event["dir"] == "ws" and event["kind"] == "open" and event["client_id"]:
            names.client(event["client_id"], event["sock"])
    for event in sorted((e for e in events if e["dir"] == "http" and e["path"] == "/prompt"), key=lambda e: e["t"]):
        answer = event["response"]
        supplied = isinstance(event["request"], dict) and event["request"].get("prompt_id")
        for found in (supplied, answer.get("prompt_id") if isinstance(answer, dict) else None):
            if isinstance(found, str):
                names.prompt(found)
    asked = set()
    for event in sorted(events, key=lambda e: e["t"]):
        step = reduce_one(event, names)
        if step is None:
            continue
        if step.get("do") == "send":
            asked.add(step["sock"])
        if step.get("see", [""])[0] == "feature_flags" and step["sock"] not in asked:
            # Its script sent two messages that it did not write down: one that nobody can parse, then the flags.
            steps += [
                {"do": "send", "sock": step["sock"], "raw": "not json"},
                {"do": "send", "sock": step["sock"], "data": FLAGS},
            ]
        steps.append(step)
    return steps


def reduce_one(event, names):  # noqa: PLR0911
    if event["dir"] == "http":
        body = None if event["request"] is None else names.replace(body_text(event["request"]))
        return {
            "do": "http",
            "method": event["method"],
            "path": names.replace(event["path"]),
            "body": body,
            "status": event["status"],
            "type": event["content_type"],
            "answer": shape_response(event["response"], names),
        }
    if event["dir"] == "note":
        return reduce_note(event)
    if event["kind"] == "open":
        return {"do": "open", "sock": event["sock"], "named": event["client_id"] is not None}
    if event["kind"] == "sent":
        return {"do": "send", "sock": event["sock"], "data": event["data"]}
    if event["kind"] == "close":
        return {"do": "close" if event["code"] is None else "closed", "sock": event["sock"], "code": event["code"]}
    if event["kind"] == "text":
        if event["data"]["type"] == "status" and event["data"]["data"].get("sid"):
            names.client(event["data"]["data"]["sid"], event["sock"])
        return {"see": shape_event(event["data"], names), "sock": event["sock"]}
    return {"see": shape_bytes(base64.b64decode(event["base64"]), names), "sock": event["sock"]}


def in_the_order_they_ran(events):
    """The graphs with their output nodes in the recorded order: the real server keeps them in a set, in any order."""
    orders = {}
    for event in events:
        answer = event.get("response")
        entries = answer.values() if event["dir"] == "http" and isinstance(answer, dict) else ()
        for entry in entries:
            if isinstance(entry, dict) and "prompt" in entry:
                orders[entry["prompt"][1]] = entry["prompt"][4]
    for event in events:
        if event["dir"] == "http" and event["method"] == "POST" and isinstance(event["response"], dict):
            order = orders.get(event["response"].get("prompt_id"), [])
            graph = event["request"]["prompt"] if order else {}
            others = [node for node in graph if node not in order]
            if order:
                event["request"]["prompt"] = {node: graph[node] for node in [*others, *order]}
    return events


def body_text(request):
    """The body as it was sent; what was no JSON stands in the recording as the repr of its bytes."""
    if isinstance(request, str) and request.startswith("b'"):
        return ast.literal_eval(request).decode()
    return json.dumps(request)


def reduce_note(event):
    if event.get("msg") in WORKING_NOTES:
        return {"do": WORKING_NOTES[event["msg"]]}
    return {"do": "remove outputs"} if "removed from disk" in event.get("msg", "") else None


def load(name):
    return json.loads((DATA / f"{name}.json").read_text())


def dump(steps):
    return "[\n" + ",\n".join(json.dumps(step, sort_keys=True) for step in steps) + "\n]\n"


def main():
    """Write the fixtures anew from the recordings."""
    for path in sorted(SHARED.glob("*.json")):
        (DATA / path.name).write_text(dump(reduce(json.loads(path.read_text()))))


if __name__ == "__main__":
    main()
