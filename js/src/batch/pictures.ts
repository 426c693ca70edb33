// Small pictures of takes, asked for when they come into view.
import { attach, h } from "../lib/dom";
import type { Kernel } from "../lib/kernel";
import { posterOf } from "../lib/poster";
import type { TakeOf } from "./state";

export class Pictures {
  readonly #kernel: Kernel;
  readonly #signal: AbortSignal;
  readonly #watch: IntersectionObserver;
  readonly #wanted = new Map<Element, TakeOf>();

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#kernel = kernel;
    this.#signal = signal;
    this.#watch = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "200px" });
    signal.addEventListener("abort", () => this.#watch.disconnect());
  }

  /** Let a place show a take, or nothing. */
  show(place: Element, take: TakeOf | null): void {
    if (this.#wanted.get(place)?.id === take?.id) return;
    this.#watch.unobserve(place);
    place.querySelector("img")?.remove();
    this.#wanted.delete(place);
    if (!take) return;
    this.#wanted.set(place, take);
    this.#watch.observe(place);
  }

  #seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const take = this.#wanted.get(target);
      if (!isIntersecting || !take) continue;
      this.#watch.unobserve(target);
      this.#paint(target, take);
    }
  }

  async #paint(place: Element, take: TakeOf): Promise<void> {
    const src = await posterOf(take, this.#kernel, this.#signal);
    if (!src || this.#wanted.get(place)?.id !== take.id) return;
    const picture = h("img", { alt: "", decoding: "async", draggable: "false" });
    attach(picture, { src });
    place.prepend(picture);
  }
}
