"""A page that shows widgets and has nothing else: no files, no variables of a theme, and a kernel that may be busy.

VS Code and Colab are like this. The browser's side is the real bundle, the kernel's side the real widget.
"""

import base64
import json

from comfy_widgets.widgets.base import Face

ADDRESS = "http://notebook.test/"

# A model as a host makes one: state from the kernel, messages both ways, nothing that knows a server.
MODEL = """
async ({ code, css, state }) => {
  const heard = new Set();
  const waiting = [];
  let busy = true;
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const ask = async (question) => {
    const [content, buffers] = await window.kernel(question);
    for (const hear of heard) hear(content, buffers.map(bytes));
  };
  window.idle = () => {
    busy = false;
    waiting.splice(0).forEach(ask);
  };
  const model = {
    get: (name) => state[name],
    on: (name, hear) => name === "msg:custom" && heard.add(hear),
    off: (_, hear) => heard.delete(hear),
    send: (question) => (busy ? waiting.push(question) : ask(question)),
    widget_manager: {},
  };
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  widget.render({ model, el: document.querySelector("main") });
}
"""


def show(page, widget: Face, body: str, monkeypatch) -> list[str]:
    """Show a widget on the page; what the page asks of any server goes into the list.

    The kernel is busy, as while a cell awaits on an older one, until the page calls ``idle()``.
    """
    asked: list[str] = []

    def answer(question):
        sent = []
        monkeypatch.setattr(widget, "send", lambda content, buffers=None: sent.append((content, buffers or [])))
        widget._on_message(widget, question, [])
        [(content, buffers)] = sent
        return content, [base64.b64encode(buffer).decode() for buffer in buffers]

    def serve(route):
        asked.append(route.request.url)
        if route.request.url == ADDRESS:
            html = f"<!doctype html><html lang='en'><title>A notebook</title>{body}</html>"
            route.fulfill(body=html, content_type="text/html")
        else:
            route.fulfill(status=404)

    page.route("http://**", serve)
    page.expose_function("kernel", answer)
    page.goto(ADDRESS)
    state = json.loads(
        json.dumps({name: getattr(widget, name) for name in ("state", "items") if hasattr(widget, name)})
    )
    page.evaluate(MODEL, {"code": str(widget._esm), "css": str(widget._css), "state": state})
    return asked
