// Everything else that a shot says.
import { attach, button, h } from "../lib/dom";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type { Acts } from "./act";
import { bound } from "./field";
import type { Card, Picture, ShotState, TimelineState } from "./state";
import type { StripView } from "./strip";
import { upload } from "./upload";
import { PICTURES } from "./words";

// As `shots.py` says them in the prompt.
const ENHANCERS = ["Framing", "Movement", "Lens", "Lighting", "Mood", "VFX", "Pacing"];

type Draw = (shot: ShotState) => void;

export class Drawer {
  readonly el = h("div", { class: "cw-drawer", role: "group", hidden: true });
  readonly #acts: Acts;
  readonly #strip: StripView;
  #draws: Draw[] = [];
  #shown: Card | undefined;
  id: string | undefined;

  constructor(acts: Acts, strip: StripView) {
    this.#acts = acts;
    this.#strip = strip;
    this.el.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  toggle(id: string, state: TimelineState): void {
    if (this.id === id) {
      this.close();
      return;
    }
    this.#mark(false);
    this.id = id;
    this.#mark(true);
    this.#shown = undefined;
    this.#build(id, state);
    this.el.hidden = false;
    this.show(state);
    this.el.querySelector<HTMLElement>("input, textarea")?.focus();
  }

  close(): void {
    const { id } = this;
    this.#mark(false);
    this.id = undefined;
    this.el.hidden = true;
    this.#strip.focus(id);
  }

  show({ cards }: TimelineState): void {
    if (this.id === undefined) return;
    const card = cards[this.id];
    if (!card) this.close();
    if (!card || card === this.#shown) return;
    this.#shown = card;
    for (const draw of this.#draws) draw(card.shot);
  }

  #mark(open: boolean): void {
    if (this.id !== undefined) this.#strip.cards.get(this.id)?.opened(open);
  }

  #build(id: string, state: TimelineState): void {
    this.#draws = [];
    attach(this.el, { "aria-label": say(messages.more_of, { title: id }) });
    const close = button("cw-quiet", () => this.close(), messages.close);
    const head = h("div", { class: "cw-row" }, h("b", {}, id), h("span", { class: "cw-grow" }), close);
    const fields = [
      this.#plain("scene", messages.scene),
      this.#plain("purpose", messages.purpose),
      this.#plain("negative", messages.negative),
      ...state.pictures.map((field) => this.#plain(field, PICTURES[field], messages.path)),
      this.#number("seed", (text) => Number.parseInt(text, 10)),
      this.#number("seconds", Number),
      ...ENHANCERS.map((name) => this.#enhancer(name)),
      ...Object.entries(state.inputs).map(([name, now]) => this.#input(name, now)),
    ];
    this.el.replaceChildren(head, h("div", { class: "cw-fields" }, ...fields), this.#does(id, state));
  }

  #text(
    label: string,
    read: (shot: ShotState) => string,
    write: (value: string) => object,
    hint = "",
  ): HTMLElement {
    const input = h("input", { placeholder: hint });
    const draw = bound(input, (value, typing) => this.#acts.edit(this.id ?? "", write(value.trim()), typing));
    this.#draws.push((shot) => draw(read(shot)));
    return h("label", { class: "cw-field" }, h("span", { class: "cw-dim" }, label), input);
  }

  #plain(name: "scene" | "purpose" | "negative" | Picture, label: string, hint = ""): HTMLElement {
    return this.#text(
      label,
      (shot) => shot[name] ?? "",
      (value) => ({ [name]: value || null }),
      hint,
    );
  }

  #number(name: "seed" | "seconds", parse: (text: string) => number): HTMLElement {
    const label = name === "seed" ? messages.seed_label : messages.seconds_label;
    const write = (text: string) => {
      const value = parse(text);
      // What is no number goes as it is: the kernel says what is wrong with it.
      return { [name]: text === "" ? null : Number.isNaN(value) ? text : value };
    };
    return this.#text(label, (shot) => String(shot[name] ?? ""), write, messages.as_workflow);
  }

  #enhancer(name: string): HTMLElement {
    const all = () => this.#shown?.shot.enhancers ?? {};
    const write = (value: string) => {
      const words = value.split(",").map((word) => word.trim());
      return { enhancers: { ...all(), [name]: words.filter(Boolean) } };
    };
    return this.#text(name, (shot) => (shot.enhancers?.[name] ?? []).join(", "), write, messages.words);
  }

  #input(name: string, now: unknown): HTMLElement {
    const write = (value: string) => {
      const { [name]: _, ...rest } = this.#shown?.shot.inputs ?? {};
      if (value === "") return { inputs: rest };
      const number = Number(value);
      return {
        inputs: { ...rest, [name]: typeof now === "number" && !Number.isNaN(number) ? number : value },
      };
    };
    const read = (shot: ShotState) => String(shot.inputs?.[name] ?? "");
    return this.#text(name.replaceAll("_", " "), read, write, String(now ?? ""));
  }

  #chooser(id: string, field: Picture): HTMLElement[] {
    const file = h("input", { type: "file", accept: "image/*", hidden: true });
    file.addEventListener("change", () => file.files?.[0] && upload(this.#acts, id, file.files[0], field));
    return [file, button("", () => file.click(), say(messages.choose_file, { field: PICTURES[field] }))];
  }

  #shift(id: string, by: number): void {
    const { order } = this.#strip;
    const at = order.indexOf(id);
    const to = Math.min(order.length - 1, Math.max(0, at + by));
    if (to !== at) this.#acts.go("move", { shot: id, to });
  }

  #does(id: string, state: TimelineState): HTMLElement {
    const strip = this.#strip;
    const does = [
      ...state.pictures.flatMap((field) => this.#chooser(id, field)),
      ...(state.drawer
        ? [button("", () => this.#acts.go("draw", { shot: id }), messages.draw_keyframe)]
        : []),
      button("", () => this.#shift(id, -1), messages.earlier),
      button("", () => this.#shift(id, 1), messages.later),
      button("", () => strip.duplicate(id), messages.duplicate),
      button("", () => this.#acts.later("ask", id), messages.delete_it),
    ];
    return h("div", { class: "cw-row" }, ...does);
  }
}
