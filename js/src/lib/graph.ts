// The graph that made a take, node by node, for those who ask.

import { attach, button, h } from "./dom";
import type { Kernel } from "./kernel";
import * as messages from "./messages.json";
import { say } from "./say";
import type { TakeState } from "./wire";

type Node = [id: string, title: string, kind: string, inputs: [name: string, value: string][]];

/** A button, and beneath the take what it unfolds. */
export function grapher(take: TakeState, kernel: Kernel, signal: AbortSignal) {
  const label = say(messages.graph_of, { title: take.title });
  const graph = h("div", {
    class: "cw-graph",
    role: "region",
    tabindex: 0,
    hidden: true,
    "aria-label": label,
  });
  let asked = false;
  const unfold = button("cw-quiet", () => fold(!graph.hidden), messages.graph);
  const fold = (folded: boolean) => {
    graph.hidden = folded;
    attach(unfold, { "aria-expanded": String(!folded) });
    if (!folded && !asked) fill();
  };
  const fill = async () => {
    asked = true;
    // Comes into sight only if it stands there for a while.
    graph.replaceChildren(h("span", { class: "cw-patience" }, messages.wait_kernel_hint));
    try {
      const [answer] = await kernel.read("graph", { take: take.id }, signal);
      graph.replaceChildren(...(answer.graph as Node[]).map(row));
    } catch (error) {
      asked = false;
      graph.replaceChildren((error as Error).message);
    }
  };
  fold(true);
  return { unfold, graph };
}

/** A node as people read it: its id, title, class and inputs. */
function row([id, title, kind, inputs]: Node): HTMLElement {
  const listed = inputs.map(([name, value]) =>
    h("li", {}, h("span", { class: "cw-dim" }, name), ` ${value}`),
  );
  const head = h("span", { class: "cw-dim cw-num" }, id);
  return h("div", {}, head, " ", h("b", { title: kind }, title), h("ul", {}, ...listed));
}
