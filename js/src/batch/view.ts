// The frame of a batch's view.
import type { Host } from "@anywidget/types";
import type { Kernel } from "../lib/kernel";
import { viewOf } from "../lib/view";
import type { Model } from "../lib/wire";
import { Board, type Make } from "./board";
import { type BatchState, keep } from "./state";

interface Props<S extends BatchState> {
  model: Model<S>;
  el: HTMLElement;
  host?: Host;
}

/** A `render` for anywidget; `label` names the whole, `make` shows its items. */
export function boardOf<S extends BatchState>(label: string, make: Make<S>) {
  return (props: Props<S>) => {
    const view = (kernel: Kernel, signal: AbortSignal, model: Model<S>) => {
      const board = new Board<S>(label, make, { kernel, signal, model, host: props.host });
      keep(model, signal);
      const show = (state: S) => {
        // What was asked for is what the next difference is laid on.
        if (model.get("state") !== state) model.set("state", state);
        board.show(state);
      };
      return { el: [board.el], show };
    };
    return viewOf<S>(view)(props);
  };
}
