// The cards in a row: made when somebody comes near, walked by arrows, moved by hand or by keyboard.
import { h } from "../lib/dom";
import * as messages from "../lib/messages.json";
import type { Acts } from "./act";
import { CardView } from "./card";
import type { Pictures } from "./pictures";
import type { TimelineState } from "./state";

export class StripView {
  readonly el = h("div", { class: "cw-strip", role: "group", "aria-label": messages.shots });
  readonly cards = new Map<string, CardView>();
  readonly #acts: Acts;
  readonly #pictures: Pictures;
  readonly #told: () => void;
  readonly #view = new WeakMap<Element, CardView>();
  readonly #near: IntersectionObserver;
  order: string[] = [];
  #at: string | undefined;

  /** `told` is called when the current card or the picked ones are others. */
  constructor(acts: Acts, pictures: Pictures, told: () => void, signal: AbortSignal) {
    this.#acts = acts;
    this.#pictures = pictures;
    this.#told = told;
    this.#near = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          this.#view.get(target)?.fill();
          this.#near.unobserve(target);
        }
      },
      // Of the strip, which scrolls by itself, half a screen more than can be seen.
      { root: this.el, rootMargin: "0px 50%" },
    );
    signal.addEventListener("abort", () => this.#near.disconnect());
    this.el.addEventListener("keydown", (event) => this.#key(event));
    this.el.addEventListener("focusin", ({ target }) => this.#rove(this.of(target)?.id));
  }

  get picked(): string[] {
    return this.order.filter((id) => this.cards.get(id)?.picked);
  }

  show({ order, cards }: TimelineState): void {
    const before = this.order;
    this.order = order;
    if (before !== order) this.#arrange(before);
    order.forEach((id, at) => {
      const card = cards[id];
      if (card) this.cards.get(id)?.show(card, at + 1, order.length);
    });
    if (before !== order) this.#settle(before);
  }

  #arrange(before: string[]): void {
    const there = new Set(this.order);
    for (const id of before) {
      if (there.has(id)) continue;
      this.cards.get(id)?.el.remove();
      this.cards.delete(id);
    }
    const focused = document.activeElement;
    let next: Element | null = this.el.firstElementChild;
    for (const id of this.order) {
      const { el } = this.cards.get(id) ?? this.#make(id);
      if (el === next) next = el.nextElementSibling;
      else this.el.insertBefore(el, next);
    }
    // To move an element takes the focus from it.
    if (focused !== document.activeElement && this.el.contains(focused)) (focused as HTMLElement).focus();
  }

  #make(id: string): CardView {
    const view = new CardView(id, this.#acts, this.#pictures, this.#told);
    this.cards.set(id, view);
    this.#view.set(view.el, view);
    this.#near.observe(view.el);
    return view;
  }

  /** Where the focus goes after a change of the order. */
  #settle(before: string[]): void {
    const { after, to } = this.#acts.next;
    this.#acts.next = {};
    const fresh = this.order.filter((id) => !before.includes(id));
    if (after !== undefined && fresh.length === 1) this.focus(fresh[0]);
    else if (to !== undefined) this.focus(to);
    else if (!this.#at || !this.cards.has(this.#at)) {
      const lost =
        this.#at !== undefined && this.el.ownerDocument.activeElement === this.el.ownerDocument.body;
      const id = this.order[Math.min(before.indexOf(this.#at ?? ""), this.order.length - 1)] ?? this.order[0];
      this.#rove(id);
      if (lost) this.focus(id);
    }
  }

  focus(id: string | undefined): void {
    const view = id === undefined ? undefined : this.cards.get(id);
    if (!view) return;
    view.fill();
    this.#rove(id);
    view.el.focus();
  }

  #rove(id: string | undefined): void {
    if (id === undefined || id === this.#at) return;
    if (this.#at) this.cards.get(this.#at)?.current(false);
    this.#at = id;
    this.cards.get(id)?.current(true);
    this.#told();
  }

  of(target: EventTarget | null): CardView | undefined {
    const card = (target as Element | null)?.closest?.(".cw-card");
    return card ? this.#view.get(card) : undefined;
  }

  #key(event: KeyboardEvent): void {
    const view = this.of(event.target);
    if (!view) return;
    if (event.target !== view.el) {
      if (event.key === "Escape" && !event.defaultPrevented) view.el.focus();
      return;
    }
    if (this.#done(event, view)) event.preventDefault();
  }

  #done({ key, altKey, ctrlKey, metaKey }: KeyboardEvent, view: CardView): boolean {
    const at = this.order.indexOf(view.id);
    const { id } = view;
    if (ctrlKey || metaKey) {
      if (key === "z") this.#acts.go("undo");
      else if (key === "a") this.#pickAll();
      else return false;
      return true;
    }
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -at, End: this.order.length - 1 - at }[key];
    if (step !== undefined) {
      const to = Math.min(this.order.length - 1, Math.max(0, at + step));
      if (!altKey) this.focus(this.order[to]);
      else if (to !== at) this.move(id, to);
      return true;
    }
    const act = {
      Enter: () => view.edit(),
      " ": () => this.#acts.later("play", id),
      Delete: () => this.#acts.later("ask", id),
      Backspace: () => this.#acts.later("ask", id),
      g: () => view.go(),
      x: () => {
        view.pickIt(!view.picked);
        this.#told();
      },
      d: () => this.duplicate(id),
      m: () => this.#acts.later("open", id),
    }[key];
    if (!act || altKey) return false;
    act();
    return true;
  }

  duplicate(id: string): void {
    this.#acts.next = { after: id };
    this.#acts.go("duplicate", { shot: id });
  }

  add(): void {
    this.#acts.next = { after: this.#at ?? "" };
    const at = this.#at === undefined ? this.order.length : this.order.indexOf(this.#at) + 1;
    this.#acts.go("add", { at });
  }

  move(id: string, to: number): void {
    this.#acts.next = { to: id };
    this.#acts.go("move", { shot: id, to });
  }

  #pickAll(): void {
    const all = this.picked.length < this.order.length;
    for (const view of this.cards.values()) view.pickIt(all);
    this.#told();
  }
}
