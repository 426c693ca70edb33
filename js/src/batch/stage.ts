// What is open: a widget of its own, or why there is no take.
import type { Host } from "@anywidget/types";
import { attach, button, h } from "../lib/dom";
import * as messages from "../lib/messages.json";
import type { Wire } from "../lib/wire";
import type { Acts } from "./act";
import type { ItemState } from "./state";

export class Stage {
  readonly el: HTMLElement;
  readonly #place = h("div", { class: "cw-shown" });
  readonly #model: Wire & { get(name: "stage"): string | null };
  readonly #host: Host | undefined;
  readonly #acts: Acts;
  readonly #signal: AbortSignal;
  #one = new AbortController();
  #trouble: number | undefined;

  /** `closed` is called when somebody closes it. */
  constructor(model: Wire, host: Host | undefined, acts: Acts, closed: () => void, signal: AbortSignal) {
    this.#model = model as never;
    this.#host = host;
    this.#acts = acts;
    this.#signal = signal;
    const close = button("cw-quiet", closed, messages.close);
    this.el = h("div", { class: "cw-stage", hidden: true }, this.#place, close);
    const changed = () => this.#play();
    model.on("change:stage", changed);
    signal.addEventListener("abort", () => model.off("change:stage", changed));
    this.#play();
  }

  /** Which item's error is told. */
  get trouble(): number | undefined {
    return this.#trouble;
  }

  /** Say why an item has no take. */
  tell(at: number, { label, error }: ItemState): void {
    if (!error) return;
    this.#clear();
    this.#trouble = at;
    const again = button("", () => this.#acts.go("again", { items: [at] }), messages.again);
    attach(again, { "aria-label": `${messages.again}: ${label}` });
    const where = h("b", {}, error.where || label);
    const hint = h("div", { class: "cw-dim" }, error.hint);
    const words = h("div", { class: "cw-why", role: "status" }, h("div", {}, where, `: ${error.what}`), hint);
    if (error.details.length) words.append(h("pre", { tabindex: 0 }, error.details.join("\n")));
    words.append(again);
    this.#show(words);
  }

  close(): void {
    this.#clear();
    this.el.hidden = true;
  }

  async #play(): Promise<void> {
    const ref = this.#model.get("stage");
    if (!ref) {
      // An error may be told in the place of what was open.
      if (this.#trouble === undefined) this.close();
      return;
    }
    this.close();
    const signal = AbortSignal.any([this.#signal, this.#one.signal]);
    const place = h("div", {});
    try {
      if (!this.#host) throw new Error(messages.no_stage);
      const widget = await this.#host.getWidget(ref);
      if (signal.aborted) return;
      this.#show(place);
      await widget.render({ el: place, signal });
    } catch {
      if (signal.aborted) return;
      place.replaceChildren(messages.no_stage);
      this.#show(place);
    }
    this.el.scrollIntoView({ block: "nearest" });
  }

  #clear(): void {
    this.#one.abort();
    this.#one = new AbortController();
    this.#trouble = undefined;
    this.#place.replaceChildren();
  }

  #show(what: HTMLElement): void {
    this.#place.replaceChildren(what);
    this.el.hidden = false;
  }
}
