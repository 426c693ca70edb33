// The picture of a card: the chosen take's; without one the keyframe, and beside it the end; else what to do.
import { h, put } from "../lib/dom";
import * as messages from "../lib/messages.json";
import type { Pictures } from "./pictures";
import type { Card, Picture } from "./state";

const FIELDS: Picture[] = ["keyframe", "end_keyframe"];

/** Something to show: what it is, and how it is had. */
type Wanted = [name: string, ask: () => Promise<string | null>];

export class Stills {
  readonly el: HTMLElement;
  readonly #none = h("span", { class: "cw-dim" });
  readonly #shot: string;
  readonly #pictures: Pictures;
  #shown: string | undefined;
  #failed = "";

  constructor(shot: string, pictures: Pictures) {
    this.#shot = shot;
    this.#pictures = pictures;
    this.el = h("span", { class: "cw-stills" }, this.#none);
  }

  /** `takes` says which pictures the workflow takes. */
  show(card: Card, takes: Picture[]): void {
    const wanted = this.#wanted(card);
    const now = wanted.map(([name]) => name).join("\n");
    if (!wanted.length) {
      const empty = takes.includes("keyframe") ? messages.no_keyframe : messages.no_picture;
      put(this.#none, card.drawing ? messages.drawing : empty);
    }
    // What could not be had may be there when the shot's state is another one.
    if (now === this.#shown && (!this.#failed || this.#failed === card.status)) return;
    this.#shown = now;
    this.#fetch(now, wanted, card.status);
  }

  #wanted({ shot, takes, chosen }: Card): Wanted[] {
    const take = takes.find(({ id }) => id === chosen);
    if (take) return [[take.id, () => this.#pictures.take(take)]];
    return FIELDS.flatMap((field) => {
      const path = shot[field];
      return path ? [[`${field} ${path}`, () => this.#pictures.keyframe(this.#shot, field, path)]] : [];
    });
  }

  async #fetch(now: string, wanted: Wanted[], status: string): Promise<void> {
    const found = await Promise.allSettled(wanted.map(([, ask]) => ask()));
    if (this.#shown !== now) return;
    const parts: HTMLElement[] = [];
    for (const one of found) {
      if (one.status === "rejected")
        parts.push(h("span", { class: "cw-dim" }, (one.reason as Error).message));
      else if (one.value) parts.push(h("img", { src: one.value, alt: "", draggable: "false" }));
    }
    this.#failed = found.every((one) => one.status === "fulfilled" && one.value) ? "" : status;
    this.el.replaceChildren(...(parts.length ? parts : [this.#none]));
  }
}
