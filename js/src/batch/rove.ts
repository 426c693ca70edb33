// Walking among rows or cells with the arrows; one of them can be reached by Tab.
import { attach } from "../lib/dom";

/** A place in a list, and which of its parts can be focused; the first is where the arrows lead. */
const parts = (place: Element) => place.querySelectorAll<HTMLElement>("button, input");

export class Rover {
  readonly #places: HTMLElement[];
  #at = 0;

  constructor(list: HTMLElement, places: HTMLElement[]) {
    this.#places = places;
    for (const place of places) this.#reach(place, -1);
    this.#go(0);
    list.addEventListener("focusin", ({ target }) => {
      const at = places.findIndex((place) => place.contains(target as Node));
      if (at >= 0) this.#go(at);
    });
    list.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const to = this.#to(event.key);
      if (to === undefined) return;
      event.preventDefault();
      this.focus(to);
    });
  }

  get at(): number {
    return this.#at;
  }

  focus(at = this.#at): void {
    const place = this.#places[at];
    const part =
      place && [...parts(place)].find((one) => !(one as HTMLButtonElement).disabled && !one.hidden);
    part?.focus();
  }

  #go(at: number): void {
    const before = this.#places[this.#at];
    const now = this.#places[at];
    if (before) this.#reach(before, -1);
    if (now) this.#reach(now, 0);
    this.#at = at;
  }

  #reach(place: HTMLElement, tabindex: number): void {
    for (const part of parts(place)) attach(part, { tabindex });
  }

  #to(key: string): number | undefined {
    const last = this.#places.length - 1;
    const side = { ArrowRight: this.#at + 1, ArrowLeft: this.#at - 1, Home: 0, End: last }[key];
    if (side !== undefined) return Math.max(0, Math.min(side, last));
    return key === "ArrowDown" || key === "ArrowUp" ? this.#across(key === "ArrowDown" ? 1 : -1) : undefined;
  }

  /** The place above or beneath, as they stand on the screen: rows may wrap, and tables follow each other. */
  #across(way: 1 | -1): number {
    const boxes = this.#places.map((place) => place.getBoundingClientRect());
    const from = boxes[this.#at];
    let found = this.#at;
    let best = Number.POSITIVE_INFINITY;
    boxes.forEach((box, at) => {
      const down = from ? (box.top - from.top) * way : 0;
      // The nearest line counts most, in it the nearest place.
      const far = down * 1e4 + Math.abs(box.left - (from?.left ?? 0));
      if (down > 4 && far < best) {
        best = far;
        found = at;
      }
    });
    return found;
  }
}
