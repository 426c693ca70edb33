// The frame of every view: a root, a life, and the latest state.

import { attach, h } from "./dom";
import { Follower } from "./follow";
import { Kernel } from "./kernel";
import type { Model, State, Told } from "./wire";

export interface View<S> {
  el: HTMLElement[];
  show(state: S, since: number): void;
}

/** Else JupyterLab takes keys for its own commands: "d d" on a focused button deletes the cell around it. */
function keepKeys({ target }: Event): void {
  // It looks at the focused element first, so the mark does not help on an ancestor.
  attach(target as Element, { "data-lm-suppress-shortcuts": "true" });
}

/** A `render` for anywidget that keeps what `make` returns at the latest state until the view goes. */
export function viewOf<S extends Told = State>(
  make: (kernel: Kernel, signal: AbortSignal, model: Model<S>) => View<S>,
) {
  return ({ model, el }: { model: Model<S>; el: HTMLElement }): (() => void) => {
    const life = new AbortController();
    const kernel = new Kernel(model, life.signal);
    const view = make(kernel, life.signal, model);
    const root = h("div", { class: "cw" }, ...view.el);
    root.addEventListener("focusin", keepKeys);
    el.append(root);
    new Follower(model, kernel, view.show, life.signal);
    return () => {
      life.abort();
      root.remove();
    };
  };
}
