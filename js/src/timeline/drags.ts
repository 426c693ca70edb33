// What is dragged over the cards: one of them to another place, or an image from this computer to become a keyframe.
import { attach, h } from "../lib/dom";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type { Acts } from "./act";
import type { CardView } from "./card";
import type { Picture } from "./state";
import type { StripView } from "./strip";
import { upload } from "./upload";
import { PICTURES } from "./words";

const IMAGE = /^image\//;

export class Drags {
  readonly #acts: Acts;
  readonly #strip: StripView;
  /** Says which picture the image would become, over the picture of the card. */
  readonly #places = h("span", { class: "cw-drop" });
  #card: string | undefined;
  #hot: CardView | undefined;

  constructor(acts: Acts, strip: StripView) {
    this.#acts = acts;
    this.#strip = strip;
    const { el } = strip;
    el.addEventListener("dragstart", (event) => this.#take(event));
    el.addEventListener("dragover", (event) => this.#over(event));
    el.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!this.#hot?.el.contains(relatedTarget as Node | null)) this.#heat(undefined);
    });
    el.addEventListener("drop", (event) => this.#drop(event));
    el.addEventListener("dragend", () => this.#end());
  }

  #take(event: DragEvent): void {
    this.#card = this.#strip.of(event.target)?.id;
    event.dataTransfer?.setData("text/plain", this.#card ?? "");
  }

  #over(event: DragEvent): void {
    const view = this.#strip.of(event.target);
    if (this.#card !== undefined) {
      event.preventDefault();
      this.#mark(view);
    } else if (view && event.dataTransfer?.types.includes("Files")) {
      event.preventDefault();
      const field = this.#field(view, event);
      this.#heat(field && view, field);
    }
  }

  #drop(event: DragEvent): void {
    const view = this.#strip.of(event.target);
    const [file] = event.dataTransfer?.files ?? [];
    if (this.#card !== undefined) this.#move(this.#card, view);
    else if (view && file) this.#give(view, file, this.#field(view, event));
    else return;
    event.preventDefault();
    this.#end();
  }

  #end(): void {
    this.#card = undefined;
    this.#mark(undefined);
    this.#heat(undefined);
  }

  #move(card: string, before: CardView | undefined): void {
    const { order } = this.#strip;
    const from = order.indexOf(card);
    const place = before ? order.indexOf(before.id) : order.length;
    const to = place > from ? place - 1 : place;
    if (from >= 0 && to !== from) this.#strip.move(card, to);
  }

  #give({ id }: CardView, file: File, field: Picture | undefined): void {
    if (!field) this.#acts.refused(messages.takes_no_keyframe);
    else if (IMAGE.test(file.type) || !file.type) upload(this.#acts, id, file, field);
    else this.#acts.refused(say(messages.no_image, { file: file.name }));
  }

  /** The keyframe; on the right half of the card its end, if the workflow has one. */
  #field({ el }: CardView, { clientX }: DragEvent): Picture | undefined {
    const { pictures } = this.#acts;
    const { left, width } = el.getBoundingClientRect();
    return pictures[clientX - left < width / 2 ? 0 : pictures.length - 1];
  }

  /** Show where the card would stand. */
  #mark(view: CardView | undefined): void {
    for (const one of this.#strip.el.querySelectorAll("[data-before]")) one.removeAttribute("data-before");
    if (view && view.id !== this.#card) attach(view.el, { "data-before": true });
  }

  /** Show what the image would become. */
  #heat(view: CardView | undefined, field?: Picture): void {
    if (this.#hot !== view) {
      if (this.#hot) attach(this.#hot.el, { "data-hot": false });
      this.#hot = view;
      if (view) attach(view.el, { "data-hot": true });
    }
    if (!view) {
      this.#places.remove();
      return;
    }
    const { pictures } = this.#acts;
    if (this.#places.parentElement?.parentElement === view.el && this.#places.dataset.on === field) return;
    attach(this.#places, { "data-on": field ?? "" });
    this.#places.replaceChildren(
      ...pictures.map((one) => h("span", { "data-on": one === field }, PICTURES[one])),
    );
    view.el.firstElementChild?.append(this.#places);
  }
}
