// What is said and done of the whole film: above the cards, and beneath them.
import { attach, button, h, put } from "../lib/dom";
import * as messages from "../lib/messages.json";
import { clock, say } from "../lib/say";
import type { Acts } from "./act";
import type { TimelineState } from "./state";
import type { StripView } from "./strip";

export class Head {
  readonly el: HTMLElement;
  readonly #title = h("b", { class: "cw-title" });
  readonly #count = h("span", { class: "cw-dim cw-num" });
  readonly #missing: HTMLButtonElement;
  readonly #picked: HTMLButtonElement;
  readonly #all: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #undo: HTMLButtonElement;

  constructor(acts: Acts, strip: StripView) {
    this.#missing = button("cw-primary cw-num", () => acts.go("generate"));
    const picked = () => acts.go("generate", { shots: strip.picked });
    this.#picked = button("cw-num", picked);
    this.#all = button("", () => acts.go("generate", { everything: true }), messages.all);
    attach(this.#all, { "aria-label": messages.generate_all });
    this.#stop = button("", () => acts.go("stop"), messages.stop_all);
    this.#undo = button("cw-quiet", () => acts.go("undo"), messages.undo);
    const add = button("cw-quiet cw-add", () => strip.add(), messages.add);
    const grow = h("span", { class: "cw-grow" });
    const does = [this.#missing, this.#picked, this.#all, this.#stop, this.#undo, add];
    this.el = h("div", { class: "cw-ends" }, this.#title, this.#count, grow, ...does);
  }

  show({ title, order, seconds, missing, active, undo }: TimelineState, picked: number): void {
    put(this.#title, title);
    attach(this.#title, { title });
    const n = order.length;
    const shots = n === 1 ? messages.one_shot : say(messages.n_shots, { n });
    put(this.#count, seconds ? say(messages.and_more, { state: shots, more: length(seconds) }) : shots);
    put(this.#missing, say(messages.generate_missing, { n: missing }));
    this.#missing.disabled = !missing;
    put(this.#picked, say(messages.generate_picked, { n: picked }));
    this.#picked.hidden = !picked;
    this.#all.disabled = !n;
    this.#stop.disabled = !active;
    this.#undo.disabled = !undo;
  }
}

export class Foot {
  readonly el: HTMLElement;
  readonly #fill = h("i");
  readonly #bar = h(
    "span",
    { class: "cw-bar", role: "progressbar", "aria-label": messages.film_progress },
    this.#fill,
  );
  readonly #words = h("span", { class: "cw-num" });
  readonly #exported = h("span", { class: "cw-num cw-dim cw-exported", role: "status" });
  readonly #late = h("span", { class: "cw-warn", role: "status" });
  readonly #play: HTMLButtonElement;
  readonly #export: HTMLButtonElement;

  constructor(acts: Acts) {
    this.#play = button("", () => acts.later("play"), messages.play_film);
    this.#export = button("", () => acts.go("export"), messages.export_film);
    const grow = h("span", { class: "cw-grow" });
    const says = [this.#bar, this.#words, grow, this.#late, this.#exported];
    this.el = h("div", { class: "cw-ends cw-foot" }, ...says, this.#play, this.#export);
  }

  show({ order, complete, progress, left, active, exported }: TimelineState): void {
    this.#fill.style.inlineSize = `${progress * 100}%`;
    attach(this.#bar, { "aria-valuenow": Math.floor(progress * 100) });
    const done = say(messages.n_complete, { n: complete, of: order.length });
    const more = left !== null && active ? say(messages.film_left, { left: length(left) }) : "";
    put(this.#words, more ? say(messages.and_more, { state: done, more }) : done);
    this.#play.disabled = !complete;
    this.#export.disabled = !complete || exported?.over === false;
    put(this.#exported, exported?.words ?? "");
  }

  /** Say that the kernel has not answered yet. */
  late(late: boolean): void {
    put(this.#late, late ? messages.wait_kernel : "");
    attach(this.#late, { title: late ? messages.wait_kernel_hint : null });
  }
}

/** A length as people say it: 24.0 s, 1:30. */
function length(seconds: number): string {
  return seconds < 90 ? say(messages.seconds, { n: +seconds.toFixed(1) }) : clock(seconds);
}
