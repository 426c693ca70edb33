// The frame of every view: a root, a life, and the latest state.

import { h } from "./dom";
import { follow } from "./follow";
import { Kernel } from "./kernel";
import type { Model, State } from "./wire";

export interface View {
  el: HTMLElement[];
  show(state: State, since: number): void;
}

/** A `render` for anywidget that keeps what `make` returns at the latest state until the view goes. */
export function viewOf(make: (kernel: Kernel, signal: AbortSignal) => View) {
  return ({ model, el }: { model: Model; el: HTMLElement }): (() => void) => {
    const life = new AbortController();
    const kernel = new Kernel(model, life.signal);
    const view = make(kernel, life.signal);
    // Else JupyterLab takes Enter, Space and letters for its own commands before a button sees them.
    const root = h("div", { class: "cw", "data-lm-suppress-shortcuts": "true" }, ...view.el);
    el.append(root);
    follow(model, kernel, view.show, life.signal);
    return () => {
      life.abort();
      root.remove();
    };
  };
}
