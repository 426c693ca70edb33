// The places on a sweep's axes: the last axis are columns, the one before it rows, further ones tables with headings.
import { attach, button, h, put } from "../lib/dom";
import { mark, setMark } from "../lib/mark";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type { Acts } from "./act";
import type { Items } from "./board";
import type { Pictures } from "./pictures";
import { Rover } from "./rove";
import type { ItemState, SweepState, Value } from "./state";
import { aside, openable, word } from "./words";

const MOST = 4;

export class Grid implements Items<SweepState> {
  readonly el = h("div", { class: "cw-grid" });
  readonly tools: HTMLElement[];
  readonly #acts: Acts;
  readonly #pictures: Pictures;
  readonly #compare: HTMLButtonElement;
  readonly #same = h("p", { class: "cw-dim cw-equal", hidden: true });
  #cells: Cell[] = [];
  #rover: Rover | undefined;

  constructor(acts: Acts, pictures: Pictures) {
    this.#acts = acts;
    this.#pictures = pictures;
    this.#compare = button("cw-num", () => this.#side());
    this.tools = [this.#compare];
    this.el.addEventListener("keydown", (event) => this.#key(event));
  }

  show(state: SweepState): void {
    if (!this.#rover) this.#build(state);
    state.items.forEach((item, at) => {
      this.#cells[at]?.show(item, state.opened.includes(at));
    });
    this.#tell();
  }

  focus(at: number | undefined): void {
    this.#rover?.focus(at);
  }

  #build({ axes, items, pairs, same }: SweepState): void {
    this.#cells = items.map((item, at) => new Cell(item, at, this.#acts, this.#pictures, () => this.#tell()));
    const places = this.#cells.map(({ el }) => el);
    put(
      this.#same,
      say(messages.same, { facts: same.map(([name, text]) => heading(name, text)).join(", ") }),
    );
    this.#same.hidden = !same.length;
    attach(this.#same, { title: this.#same.textContent, tabindex: 0 });
    const rows = axes.at(-2);
    const columns = axes.at(-1);
    if (!columns) return;
    if (pairs || !rows) this.el.append(wrapped(axes, places, pairs));
    else this.el.append(...tables(axes.slice(0, -2), rows, columns, places));
    this.el.prepend(this.#same);
    this.#rover = new Rover(this.el, places);
  }

  get #picked(): number[] {
    return this.#cells.flatMap((cell, at) => (cell.picked ? [at] : []));
  }

  #side(): void {
    const picked = this.#picked;
    if (picked.length > 1 && picked.length <= MOST) this.#acts.open(picked);
  }

  #tell(): void {
    const n = this.#picked.length;
    const many = n > 1 && n <= MOST;
    this.el.classList.toggle("cw-choosing", n > 0);
    put(this.#compare, n > 1 ? say(messages.compare_n, { n }) : messages.compare_them);
    this.#compare.disabled = !many;
    this.#compare.hidden = this.#cells.filter(({ pickable }) => pickable).length < 2;
    const title = n < 2 ? messages.compare_hint : many ? null : say(messages.compare_few, { n });
    attach(this.#compare, { title });
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#rover) return;
    if (event.key === "x") this.#cells[this.#rover.at]?.pick();
    else if (event.key === "c") this.#side();
    else return;
    event.preventDefault();
  }
}

type Axis = { name: string; values: Value[] };

/** "seed 7"; a prompt speaks for itself. */
function heading(name: string, text: string): string {
  return name && name !== "prompt"
    ? say(messages.heading, { name: name.replaceAll("_", " "), value: text })
    : text;
}

/** One axis, or several that go together: each cell has its values over it. */
function wrapped(axes: Axis[], places: HTMLElement[], pairs: boolean): HTMLElement {
  const list = h("div", { class: "cw-wrap", role: "list" });
  places.forEach((place, at) => {
    const over = h("div", { class: "cw-over-cell" });
    for (const { name, values } of pairs ? axes : axes.slice(-1)) {
      const [text, whole] = values[at] ?? ["", ""];
      over.append(h("span", { title: whole }, heading(name, text)));
    }
    list.append(h("div", { role: "listitem" }, over, place));
  });
  return list;
}

function tables(outer: Axis[], rows: Axis, columns: Axis, places: HTMLElement[]): HTMLElement[] {
  const size = rows.values.length * columns.values.length;
  const count = places.length / size;
  return Array.from({ length: count }, (_, n) => {
    const head = outer.map(({ name, values }, at) => {
      const step = outer.slice(at + 1).reduce((product, axis) => product * axis.values.length, 1);
      return heading(name, values[Math.floor(n / step) % values.length]?.[1] ?? "");
    });
    const caption = h("div", { class: "cw-caption-all", hidden: !head.length }, head.join(", "));
    return h(
      "div",
      {},
      caption,
      table(rows, columns, places.slice(n * size, (n + 1) * size), head.join(", ")),
    );
  });
}

function table(rows: Axis, columns: Axis, places: HTMLElement[], label: string): HTMLElement {
  const wide = columns.values.length;
  const name = label || `${rows.name} × ${columns.name}`;
  const el = h("div", { class: "cw-table", role: "table", "aria-label": name });
  el.style.setProperty("--cw-wide", String(wide));
  const line = (...cells: HTMLElement[]) => h("div", { class: "cw-table-row", role: "row" }, ...cells);
  const corner = h(
    "div",
    { class: "cw-corner", role: "columnheader" },
    h("span", { class: "cw-dim" }, rows.name),
  );
  const heads = columns.values.map(([text, whole]) =>
    h("div", { class: "cw-column", role: "columnheader", title: whole }, heading(columns.name, text)),
  );
  el.append(line(corner, ...heads));
  rows.values.forEach(([text, whole], at) => {
    const head = h(
      "div",
      { class: "cw-row-head", role: "rowheader", title: whole },
      heading(rows.name, text),
    );
    const cells = places.slice(at * wide, (at + 1) * wide);
    el.append(line(head, ...cells.map((cell) => h("div", { role: "cell" }, cell))));
  });
  return el;
}

class Cell {
  readonly el: HTMLElement;
  readonly #pictures: Pictures;
  readonly #open: HTMLButtonElement;
  readonly #shape = mark();
  readonly #word = h("span", { class: "cw-now cw-num" });
  readonly #aside = h("span", { class: "cw-aside" });
  readonly #told = h("span", { class: "cw-told" }, h("span", {}, this.#shape, this.#word), " ", this.#aside);
  readonly #fill = h("i");
  readonly #bar = h("span", { class: "cw-far", hidden: true }, this.#fill);
  readonly #box = h("input", { type: "checkbox", class: "cw-box", hidden: true });
  readonly #changed: () => void;
  #item: ItemState | undefined;

  constructor({ label }: ItemState, at: number, acts: Acts, pictures: Pictures, changed: () => void) {
    this.#pictures = pictures;
    this.#changed = changed;
    this.#open = button("cw-face", () => acts.open([at]));
    this.#open.append(this.#told, this.#bar);
    attach(this.#box, { "aria-label": say(messages.pick, { title: label }) });
    this.#box.addEventListener("change", () => this.#tell());
    this.el = h("div", { class: "cw-cell" }, this.#open, this.#box);
  }

  get pickable(): boolean {
    return !this.#box.hidden;
  }

  get picked(): boolean {
    return this.pickable && this.#box.checked;
  }

  /** Take it to those that are compared, or away from them. */
  pick(): void {
    if (this.pickable) this.#box.click();
  }

  #tell(): void {
    attach(this.el, { "data-picked": this.picked });
    this.#changed();
  }

  show(item: ItemState, opened: boolean): void {
    attach(this.el, { "data-open": opened });
    if (item === this.#item) return;
    this.#item = item;
    const { label, status, progress, take } = item;
    const now = word(item);
    const said = item.error ? aside(item) : "";
    attach(this.el, { "data-state": status, title: said || label });
    attach(this.#open, {
      "aria-label": say(messages.open_item, { title: label, state: `${now} ${said}`.trim() }),
      "aria-disabled": openable(item) ? null : "true",
    });
    setMark(this.#shape, status === "waiting" ? "submitting" : status);
    put(this.#word, now);
    put(this.#aside, said);
    this.#box.hidden = take?.kind !== "video";
    this.#bar.hidden = status !== "running" && status !== "saving";
    this.#fill.style.inlineSize = `${progress * 100}%`;
    this.#pictures.show(this.#open, take);
  }
}
