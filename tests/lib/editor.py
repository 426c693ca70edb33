"""Workflows as ComfyUI's editor saves them, in a few words."""


def socket(name, link=None, *, type="IMAGE", widget=False):  # noqa: A002 - as the editor calls it
    return {"name": name, "type": type, "link": link, **({"widget": {"name": name}} if widget else {})}


def output(*links, type="IMAGE", **more):  # noqa: A002
    return {"name": type, "type": type, "links": list(links), **more}


def node(number, kind, values=None, *, inputs=(), outputs=(), **more):
    saved = {"id": number, "type": kind, "mode": 0, "inputs": list(inputs), "outputs": list(outputs), **more}
    return saved if values is None else {**saved, "widgets_values": values}


def workflow(*nodes, links=(), **more):
    return {"nodes": list(nodes), "links": [list(link) for link in links], "version": 0.4, **more}


def takes(required, optional=None, **more):
    """A class, as a server tells it."""
    return {
        "input": {"required": required, **({} if optional is None else {"optional": optional})},
        "output": [],
        **more,
    }


def subgraph(key, *nodes, links=(), inputs=(), outputs=()):
    return {
        "id": key,
        "name": f"Subgraph {key}",
        "nodes": list(nodes),
        "links": [list(link) for link in links],
        "inputs": [{"name": name, "type": kind} for name, kind in inputs],
        "outputs": [{"name": name, "type": kind} for name, kind in outputs],
    }
