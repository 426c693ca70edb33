// One line above it all: what it is, how far, how long, what now.
import { attach, button, h, put } from "../lib/dom";
import * as messages from "../lib/messages.json";
import { say, span } from "../lib/say";
import type { Acts } from "./act";
import type { BatchState } from "./state";
import { more } from "./words";

export class Head {
  readonly el: HTMLElement;
  readonly #title = h("b", { class: "cw-title" });
  readonly #words = h("span", { class: "cw-dim cw-num" });
  readonly #late = h("span", { class: "cw-warn", role: "status" });
  // Told when all are over only: counts read aloud would never end.
  readonly #voice = h("span", { class: "cw-voice", role: "status" });
  readonly #fill = h("i");
  readonly #bar = h(
    "span",
    { class: "cw-all", role: "progressbar", "aria-label": messages.batch_progress },
    this.#fill,
  );
  readonly #stop: HTMLButtonElement;
  readonly #missing: HTMLButtonElement;
  #rest = false;

  /** `tools` stand before the buttons that every batch has. */
  constructor(acts: Acts, tools: HTMLElement[]) {
    this.#stop = button("", () => acts.go("stop", { rest: this.#rest }));
    this.#missing = button("cw-primary cw-num", () => acts.go("again"));
    const does = h("span", { class: "cw-does" }, this.#late, ...tools, this.#missing, this.#stop);
    this.el = h("div", { class: "cw-head-all" }, this.#title, this.#words, this.#voice, does, this.#bar);
  }

  show({ title, items, complete, cached, failed, active, waiting, progress, left }: BatchState): void {
    put(this.#title, title);
    attach(this.#title, { title });
    let words = say(messages.n_complete, { n: complete, of: items.length });
    if (cached) words = more(words, say(messages.n_cached, { n: cached }));
    if (failed) words = more(words, say(messages.n_failed, { n: failed }));
    if (active && left !== null) words = more(words, say(messages.film_left, { left: span(left) }));
    put(this.#words, words);
    put(this.#voice, active ? "" : words);
    this.#fill.style.inlineSize = `${progress * 100}%`;
    attach(this.#bar, { "aria-valuenow": Math.floor(progress * 100), hidden: !active });
    // What runs is nearly paid for: it goes on unless it is all that is left to be stopped.
    this.#rest = waiting > 0 && waiting < active;
    put(this.#stop, this.#rest ? messages.stop_rest : messages.stop);
    attach(this.#stop, { title: this.#rest ? messages.stop_rest_title : null, hidden: !active });
    const missing = items.length - complete - active;
    put(this.#missing, say(messages.generate_missing, { n: missing }));
    this.#missing.hidden = Boolean(active) || !missing;
  }

  /** Say that the kernel has not answered yet. */
  late(late: boolean): void {
    put(this.#late, late ? messages.wait_kernel : "");
    attach(this.#late, { title: late ? messages.wait_kernel_hint : null });
  }
}
