// A row for each shot of a batch.
import { attach, button, h, put } from "../lib/dom";
import { mark, setMark } from "../lib/mark";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type { Acts } from "./act";
import { empty, type Items } from "./board";
import type { Pictures } from "./pictures";
import { Rover } from "./rove";
import type { BatchState, ItemState } from "./state";
import { aside, going, openable, wanting, word } from "./words";

export class Rows implements Items<BatchState> {
  readonly el = h("ul", { class: "cw-rows" });
  readonly tools = [];
  readonly #acts: Acts;
  readonly #pictures: Pictures;
  #rows: Row[] = [];
  #rover: Rover | undefined;

  constructor(acts: Acts, pictures: Pictures) {
    this.#acts = acts;
    this.#pictures = pictures;
  }

  show({ items, opened }: BatchState): void {
    if (!this.#rover) {
      this.#rows = items.map((item, at) => new Row(item, at, this.#acts, this.#pictures));
      const places = this.#rows.map(({ el }) => el);
      this.el.append(...places);
      this.#rover = new Rover(this.el, places);
      if (!places.length) this.el.append(h("li", {}, empty()));
    }
    items.forEach((item, at) => {
      this.#rows[at]?.show(item, opened.includes(at));
    });
  }

  focus(at: number | undefined): void {
    this.#rover?.focus(at);
  }
}

class Row {
  readonly el: HTMLElement;
  readonly #pictures: Pictures;
  readonly #thumb: HTMLButtonElement;
  readonly #shape = mark();
  readonly #word = h("b", { class: "cw-now cw-num" });
  readonly #aside = h("span", { class: "cw-aside cw-num" });
  readonly #attempts = h("span", { class: "cw-dim cw-num cw-attempts" });
  readonly #do: HTMLButtonElement;
  readonly #fill = h("i");
  readonly #bar = h("span", { class: "cw-far", hidden: true }, this.#fill);
  #item: ItemState | undefined;

  constructor({ label, scene, prompt }: ItemState, at: number, acts: Acts, pictures: Pictures) {
    this.#pictures = pictures;
    this.#thumb = button("cw-thumb", () => acts.open([at]));
    this.#do = button("cw-quiet", () => {
      if (this.#item) acts.go(going(this.#item) ? "stop" : "again", { items: [at] });
    });
    const asked = h("span", { class: "cw-dim cw-asked", title: prompt }, prompt);
    const where = h("span", { class: "cw-dim cw-where", title: scene }, scene);
    const head = h("div", { class: "cw-first" }, h("b", { title: label }, label), where, asked);
    const line = h("div", { class: "cw-second" }, this.#shape, this.#word, this.#aside);
    const text = h("div", { class: "cw-text" }, head, line);
    this.el = h("li", { class: "cw-item" }, this.#thumb, text, this.#attempts, this.#do, this.#bar);
  }

  show(item: ItemState, opened: boolean): void {
    attach(this.el, { "data-open": opened });
    if (item === this.#item) return;
    this.#item = item;
    const { label, status, progress, attempts, take } = item;
    const now = word(item);
    const said = aside(item);
    attach(this.el, { "data-state": status });
    attach(this.#thumb, {
      "aria-label": say(messages.open_item, { title: label, state: now }),
      "aria-disabled": openable(item) ? null : "true",
    });
    setMark(this.#shape, status === "waiting" ? "submitting" : status);
    put(this.#word, now);
    put(this.#aside, said);
    attach(this.#aside, { title: said });
    put(this.#attempts, attempts > 1 ? say(messages.attempts, { n: attempts }) : "");
    const stops = going(item);
    put(this.#do, stops ? messages.stop : messages.again);
    const does = stops ? messages.stop_one : messages.again_shot;
    attach(this.#do, { "aria-label": say(does, { title: label }), hidden: !stops && !wanting(item) });
    const begun = status === "running" || status === "saving";
    this.#bar.hidden = !begun;
    this.#fill.style.inlineSize = `${progress * 100}%`;
    this.#pictures.show(this.#thumb, take);
  }
}
