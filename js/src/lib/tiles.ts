// A gallery: a filter, the take that is open, and a tile for each take.
import { attach, button, h, put } from "./dom";
import { count, Filter, nothing } from "./filter";
import type { Kernel } from "./kernel";
import * as messages from "./messages.json";
import { Player } from "./player";
import { posterOf } from "./poster";
import { say } from "./say";
import type { Item, TakeState } from "./wire";

/** So many tiles are made at once; the next when the last of them comes into view. */
const CHUNK = 40;

export class Tiles {
  readonly el: HTMLElement;
  readonly #items: Item[];
  readonly #kernel: Kernel;
  readonly #signal: AbortSignal;
  readonly #filter: Filter;
  readonly #none = nothing(() => this.#filter.clear());
  readonly #player: Player;
  readonly #stage: HTMLElement;
  readonly #list = h("ul", { class: "cw-tiles" });
  readonly #note = h("div", { class: "cw-dim cw-gallery-note", role: "status", hidden: true });
  readonly #made = new Map<string, HTMLElement>();
  readonly #item = new WeakMap<Element, Item>();
  readonly #watch: IntersectionObserver;
  #liked: ReadonlySet<string> = new Set();
  #shown: Item[] = [];
  #at: Element | null = null;
  #opened: HTMLElement | undefined;

  constructor(items: Item[], kernel: Kernel, signal: AbortSignal) {
    this.#items = items;
    this.#kernel = kernel;
    this.#signal = signal;
    this.#filter = new Filter(items, () => this.#draw());
    this.#player = new Player(kernel, signal);
    const close = button("cw-quiet cw-close", () => this.#close(), messages.close);
    this.#stage = h("div", { class: "cw-open", hidden: true }, this.#player.el, close);
    const label = say(messages.gallery, { count: count(items.length) });
    this.el = h("div", { class: "cw-gallery", role: "group", "aria-label": label });
    this.#filter.el.hidden = !items.length;
    this.el.append(this.#filter.el, this.#stage, this.#note, this.#none.el, this.#list);
    // Of the list, which scrolls by itself, a screen more than can be seen.
    const near = { root: this.#list, rootMargin: "100%" };
    this.#watch = new IntersectionObserver((entries) => this.#seen(entries), near);
    signal.addEventListener("abort", () => this.#watch.disconnect());
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("focusin", ({ target }) => this.#rove((target as Element).closest("li")));
    this.el.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    kernel.onLate((late) => {
      this.#note.hidden = !late;
      if (late) put(this.#note, messages.wait_kernel_hint);
    });
    this.#draw();
  }

  /** Show which takes are liked. */
  mark(marks: string[]): void {
    this.#liked = new Set(marks);
    for (const [id, tile] of this.#made)
      attach(tile.lastElementChild as Element, { "aria-pressed": String(this.#liked.has(id)) });
    // Who takes a star away among the favourites goes on from there.
    this.#draw(idsOf(this.#shown));
  }

  #draw(stay: string[] = []): void {
    const before = idsOf(this.#shown);
    this.#shown = this.#filter.wanted(this.#items, new Set([...this.#liked, ...stay]));
    this.#filter.tell(this.#shown.length, this.#items.length);
    this.#none.tell(this.#shown.length, this.#items.length);
    this.#list.hidden = !this.#shown.length;
    if (before.join() === idsOf(this.#shown).join()) return;
    this.#watch.disconnect();
    this.#list.replaceChildren();
    this.#list.scrollTop = 0;
    this.#more();
    this.#rove(this.#list.firstElementChild);
  }

  #more(until = 0): void {
    const from = this.#list.childElementCount;
    const next = this.#shown.slice(from, Math.max(until, from + CHUNK)).map((item) => this.#tile(item));
    this.#list.append(...next);
    for (const tile of next) this.#watch.observe(tile);
  }

  #tile(item: Item): HTMLElement {
    const known = this.#made.get(item.id);
    if (known) return known;
    const { title, take_number: n, prompt, seconds } = item;
    const open = button("cw-tile", () => this.#open(item, open));
    const number = n > 1 ? h("span", { class: "cw-dim" }, ` ${say(messages.take, { n })}`) : "";
    const length = seconds ? say(messages.seconds, { n: seconds.toFixed(1) }) : "";
    open.append(
      h("span", { class: "cw-picture" }, h("span", { class: "cw-tag cw-num" }, length)),
      h("span", { class: "cw-name" }, h("b", {}, title), number),
      h("span", { class: "cw-words cw-dim" }, prompt === title ? "" : prompt),
    );
    const label = say(messages.tile, { title: n > 1 ? `${title}, ${n}` : title });
    attach(open, { "aria-label": label, tabindex: -1, title: prompt });
    const star = button("cw-star", () => this.#like(item, star));
    const on = String(this.#liked.has(item.id));
    attach(star, { "aria-label": say(messages.favourite, { title }), tabindex: -1, "aria-pressed": on });
    const tile = h("li", {}, open, star);
    this.#made.set(item.id, tile);
    this.#item.set(tile, item);
    return tile;
  }

  #seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.#watch.unobserve(target);
      this.#paint(target);
      if (target === this.#list.lastElementChild && this.#list.childElementCount < this.#shown.length)
        this.#more();
    }
  }

  async #paint(tile: Element): Promise<void> {
    const item = this.#item.get(tile);
    if (!item) return;
    this.#item.delete(tile); // asked for once
    const src = await posterOf(item, this.#kernel, this.#signal);
    if (src) tile.querySelector(".cw-picture")?.prepend(h("img", { alt: "", decoding: "async", src }));
  }

  async #open({ id }: Item, from: HTMLElement): Promise<void> {
    try {
      const [answer] = await this.#kernel.read("take", { take: id }, this.#signal);
      this.#note.hidden = true;
      this.#stage.hidden = false;
      this.#player.show(answer.take as TakeState);
      attach(this.#opened?.parentElement ?? from, { "data-open": null });
      this.#opened = from;
      attach(from.parentElement ?? from, { "data-open": true });
      this.#stage.scrollIntoView({ block: "nearest" });
    } catch (error) {
      this.#tell(error);
    }
  }

  #close(): void {
    if (this.#stage.hidden) return;
    this.#stage.hidden = true;
    this.#player.clear();
    attach(this.#opened?.parentElement ?? this.#stage, { "data-open": null });
    this.#opened?.focus();
  }

  async #like({ id }: Item, star: HTMLElement): Promise<void> {
    const on = !this.#liked.has(id);
    attach(star, { "aria-pressed": String(on) });
    try {
      await this.#kernel.act("mark", { take: id, on });
      this.#note.hidden = true;
    } catch (error) {
      attach(star, { "aria-pressed": String(!on) });
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (this.#signal.aborted) return;
    this.#note.hidden = false;
    put(this.#note, (error as Error).message);
  }

  /** One tile can be reached by Tab; the arrows go from there. */
  #rove(to: Element | null): void {
    for (const part of this.#at?.children ?? []) attach(part, { tabindex: -1 });
    this.#at = to;
    for (const part of this.#at?.children ?? []) attach(part, { tabindex: 0 });
  }

  #key(event: KeyboardEvent): void {
    const tiles = [...this.#list.children] as HTMLElement[];
    const at = tiles.indexOf(this.#at as HTMLElement);
    const row = this.#row(tiles);
    const end = this.#shown.length - 1;
    const next = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + row,
      ArrowUp: at - row,
      Home: 0,
      End: end,
    }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    const there = Math.max(0, Math.min(next, end));
    if (there >= tiles.length) this.#more(there + 1);
    (this.#list.children[there]?.firstElementChild as HTMLElement | null)?.focus();
  }

  /** How many tiles stand in a row. */
  #row(tiles: HTMLElement[]): number {
    const top = tiles[0]?.offsetTop;
    const second = tiles.findIndex(({ offsetTop }) => offsetTop !== top);
    return second < 0 ? tiles.length : second;
  }
}

const idsOf = (items: Item[]) => items.map(({ id }) => id);
