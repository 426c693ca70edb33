// A batch: its head, its items as rows or cells, and beneath them what is open.
import type { Host } from "@anywidget/types";
import { attach, h, put } from "../lib/dom";
import type { Kernel } from "../lib/kernel";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type { Model } from "../lib/wire";
import { Acts } from "./act";
import { Head } from "./head";
import { Pictures } from "./pictures";
import { Stage } from "./stage";
import type { BatchState } from "./state";
import { openable } from "./words";

/** The items as they are shown. */
export interface Items<S> {
  el: HTMLElement;
  /** Buttons for the head. */
  tools: HTMLElement[];
  show(state: S): void;
  /** Go to an item. */
  focus(at: number | undefined): void;
}

export type Make<S> = (acts: Acts, pictures: Pictures) => Items<S>;

interface Frame<S extends BatchState> {
  kernel: Kernel;
  signal: AbortSignal;
  model: Model<S>;
  /** What shows widgets inside of others; not everywhere there is one. */
  host: Host | undefined;
}

export class Board<S extends BatchState> {
  readonly el: HTMLElement;
  readonly #acts: Acts;
  readonly #items: Items<S>;
  readonly #head: Head;
  readonly #stage: Stage;
  readonly #note = h("p", { class: "cw-note-all", role: "status", hidden: true });
  readonly #label: string;
  #state: S | undefined;

  constructor(label: string, make: Make<S>, { kernel, signal, model, host }: Frame<S>) {
    this.#label = label;
    this.#acts = new Acts(kernel);
    this.#acts.refused = (sentence) => {
      put(this.#note, sentence);
      this.#note.hidden = !sentence;
    };
    this.#acts.open = (items) => this.#open(items);
    this.#items = make(this.#acts, new Pictures(kernel, signal));
    this.#head = new Head(this.#acts, this.#items.tools);
    this.#stage = new Stage(model, host, this.#acts, () => this.#close(), signal);
    kernel.onLate((late) => this.#head.late(late));
    const parts = [this.#head.el, this.#items.el, this.#note, this.#stage.el];
    this.el = h("div", { class: "cw-board", role: "group" }, ...parts);
    this.el.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#stage.el.hidden) this.#close();
    });
  }

  show(state: S): void {
    this.#state = state;
    const label = say(this.#label, { title: state.title });
    if (this.el.getAttribute("aria-label") !== label) attach(this.el, { "aria-label": label });
    const ratio = state.items.find(({ take }) => take?.ratio)?.take?.ratio;
    if (ratio) this.el.style.setProperty("--cw-ratio", String(ratio));
    this.#head.show(state);
    this.#items.show(state);
    // Asked for again: what it failed of is over.
    const told = this.#stage.trouble;
    if (told !== undefined && !state.items[told]?.error) this.#stage.close();
  }

  #open(items: number[]): void {
    const [at] = items;
    const item = at === undefined ? undefined : this.#state?.items[at];
    if (at === undefined || !item || !openable(item)) return;
    if (items.length > 1 || item.take || !item.error) {
      this.#acts.go("open", { items });
      return;
    }
    if (this.#state?.opened.length) this.#acts.go("open", { items: [] });
    this.#stage.tell(at, item);
    this.#stage.el.scrollIntoView({ block: "nearest" });
  }

  #close(): void {
    const opened = this.#state?.opened ?? [];
    const at = this.#stage.trouble ?? opened[0];
    this.#stage.close();
    if (opened.length) this.#acts.go("open", { items: [] });
    this.#items.focus(at);
  }
}

/** What is said where there is nothing. */
export function empty(): HTMLElement {
  return h("p", { class: "cw-dim cw-empty-all" }, messages.nothing_asked);
}
