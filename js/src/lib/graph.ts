// The graph that made a take, node by node, for those who ask.

import { attach, button, h } from "./dom";
import type { Kernel } from "./kernel";
import * as messages from "./messages.json";
import { say } from "./say";
import type { TakeState } from "./wire";

interface Node {
  class_type: string;
  inputs?: Record<string, unknown>;
  _meta?: { title?: string };
}

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
      graph.replaceChildren(...nodes(answer.graph as Record<string, Node>));
    } catch (error) {
      asked = false;
      graph.replaceChildren((error as Error).message);
    }
  };
  fold(true);
  return { unfold, graph };
}

function nodes(graph: Record<string, Node>): HTMLElement[] {
  return Object.entries(graph).map(([id, node]) => {
    const inputs = Object.entries(node.inputs ?? {}).map(([name, value]) =>
      h("li", {}, h("span", { class: "cw-dim" }, name), " ", shown(value)),
    );
    const title = h("b", { title: node.class_type }, node._meta?.title ?? node.class_type);
    return h("div", {}, h("span", { class: "cw-dim cw-num" }, id), " ", title, h("ul", {}, ...inputs));
  });
}

/** A value as people read it; a link as an arrow from the node that it comes from. */
function shown(value: unknown): string {
  if (Array.isArray(value) && value.length === 2 && typeof value[0] === "string") return `← ${value[0]}`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
