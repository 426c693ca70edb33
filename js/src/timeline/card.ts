// One shot: its picture, what is seen in it, its takes, where it is, and what can be done now.
import { attach, button, h, put } from "../lib/dom";
import { mark, setMark } from "../lib/mark";
import * as messages from "../lib/messages.json";
import { clock, percent, say } from "../lib/say";
import { STATES } from "../lib/states";
import type { Acts } from "./act";
import { bound } from "./field";
import type { Pictures } from "./pictures";
import type { Card } from "./state";
import { Stills } from "./stills";

type Parts = ReturnType<CardView["build"]>;

/** A state in words, short enough for a card. */
export function words({ status, active, message, progress, eta, edited }: Card): string {
  if (status === "waiting") return active ? messages.turn : messages.waiting;
  const state = STATES[status];
  if (status === "complete") return edited ? say(messages.and_more, { state, more: messages.edited }) : state;
  if (status === "running") {
    const running = `${state} ${percent(progress)}`;
    return eta === null
      ? running
      : say(messages.and_more, { state: running, more: say(messages.left_short, { left: clock(eta) }) });
  }
  return message ? say(messages.and_more, { state, more: message }) : state;
}

export class CardView {
  readonly el: HTMLElement;
  readonly id: string;
  card: Card | undefined;
  /** Whether it is among those that are chosen to be generated together. */
  picked = false;

  readonly #acts: Acts;
  readonly #pictures: Pictures;
  readonly #pick: () => void;
  #parts: Parts | undefined;
  #strip = "";
  #current = false;

  constructor(id: string, acts: Acts, pictures: Pictures, pick: () => void) {
    this.id = id;
    this.#acts = acts;
    this.#pictures = pictures;
    this.#pick = pick;
    this.el = h("div", { class: "cw-card", role: "group", tabindex: -1 });
  }

  /** Make its inside: a card that nobody has come near costs next to nothing. */
  fill(): void {
    if (this.#parts) return;
    this.#parts = this.build();
    if (this.card) this.#draw(this.card);
    this.current(this.#current);
  }

  show(card: Card, at: number, of: number): void {
    if (card !== this.card) {
      this.card = card;
      attach(this.el, { "data-state": card.status });
      if (this.#parts) this.#draw(card);
    }
    const title = card.shot.title ? `${this.id} ${card.shot.title}` : this.id;
    const label = say(messages.card, { title, at, of, state: words(card) });
    if (this.el.getAttribute("aria-label") !== label) attach(this.el, { "aria-label": label });
  }

  /** Only the current card's buttons are in the way of the Tab key. */
  current(is: boolean): void {
    this.#current = is;
    this.el.tabIndex = is ? 0 : -1;
    for (const one of this.el.querySelectorAll<HTMLElement>("button, input, textarea"))
      one.tabIndex = is ? 0 : -1;
  }

  pickIt(on: boolean): void {
    this.picked = on;
    if (this.#parts) this.#parts.pick.checked = on;
    attach(this.el, { "data-picked": on });
  }

  edit(): void {
    this.#parts?.prompt.focus();
  }

  build() {
    const title = this.id;
    const stills = new Stills(this.id, this.#pictures);
    const scene = h("span", { class: "cw-tag cw-scene" });
    const len = h("span", { class: "cw-tag cw-len cw-num" });
    const fill = h("i");
    const bar = h("span", { class: "cw-load", hidden: true }, fill);
    const pick = h("input", {
      type: "checkbox",
      class: "cw-pick",
      "aria-label": say(messages.pick, { title }),
    });
    pick.checked = this.picked;
    pick.addEventListener("change", () => {
      this.pickIt(pick.checked);
      this.#pick();
    });
    const pic = h("div", { class: "cw-pic", draggable: "true" }, stills.el, scene, len, bar, pick);
    const name = h("input", { class: "cw-name", placeholder: messages.title });
    attach(name, { "aria-label": say(messages.title_of, { title }) });
    const prompt = h("textarea", { class: "cw-words", rows: 3, placeholder: messages.what });
    attach(prompt, { "aria-label": say(messages.prompt_of, { title }) });
    const takes = h("div", { class: "cw-strip-takes", role: "group" });
    attach(takes, { "aria-label": say(messages.takes_of, { title }) });
    const shape = mark();
    const state = h("span", { class: "cw-word cw-num" });
    const go = button("", () => this.go());
    const more = button("cw-quiet", () => this.#acts.later("open", this.id), messages.more);
    attach(more, { "aria-label": say(messages.more_of, { title }), "aria-expanded": "false" });
    const row = h("div", { class: "cw-do" }, go, h("span", { class: "cw-grow" }), more);
    const head = h("div", { class: "cw-head" }, h("b", { title }, title), name);
    const line = h("div", { class: "cw-st" }, shape, state);
    this.el.append(pic, h("div", { class: "cw-body" }, head, prompt, takes, line, row));
    const edit = (field: string) => (value: string, typing: boolean) =>
      this.#acts.edit(this.id, { [field]: value }, typing);
    const draw = { title: bound(name, edit("title")), prompt: bound(prompt, edit("prompt")) };
    return { stills, scene, len, fill, bar, pick, prompt, takes, shape, state, go, more, draw };
  }

  /** What its button says: generate, stop, or make another. */
  go(): void {
    const { card } = this;
    if (!card) return;
    if (card.active) this.#acts.go("stop", { shots: [this.id] });
    else this.#acts.go("generate", { shots: [this.id], another: card.status === "complete" && !card.edited });
  }

  opened(is: boolean): void {
    if (this.#parts) attach(this.#parts.more, { "aria-expanded": String(is) });
  }

  #draw(card: Card): void {
    const parts = this.#parts;
    if (!parts) return;
    const { shot, status } = card;
    parts.draw.title(shot.title ?? "");
    parts.draw.prompt(shot.prompt ?? "");
    put(parts.scene, shot.scene ?? "");
    parts.scene.hidden = !shot.scene;
    const seconds = card.seconds ?? shot.seconds;
    put(parts.len, seconds ? say(messages.seconds, { n: seconds.toFixed(1) }) : "");
    parts.len.hidden = !seconds;
    const known = status === "running" || status === "saving";
    parts.bar.hidden = !known;
    parts.fill.style.inlineSize = `${card.progress * 100}%`;
    setMark(parts.shape, status === "waiting" ? "submitting" : status);
    const text = card.error && status === "error" ? `${words(card)}: ${card.error.what}` : words(card);
    put(parts.state, text);
    attach(parts.state, { title: text });
    put(parts.go, card.active ? messages.stop : again(card));
    parts.go.className = card.active ? "cw-quiet" : "";
    parts.stills.show(card, this.#acts.pictures);
    this.#takes(parts, card);
  }

  #takes({ takes }: Parts, card: Card): void {
    const now = card.takes.map(({ id }) => id).join();
    if (now !== this.#strip) {
      this.#strip = now;
      takes.replaceChildren(...card.takes.map((take, at) => this.#take(take, at)));
      this.current(this.#current);
    }
    card.takes.forEach(({ id }, at) => {
      attach(takes.children[at] as Element, { "aria-pressed": String(id === card.chosen) });
    });
  }

  #take(take: Card["takes"][number], at: number): HTMLElement {
    const choose = button("cw-one", () => this.#acts.go("choose", { shot: this.id, take: take.id }));
    const seed =
      take.seed === null || take.seed === undefined
        ? ""
        : `, ${say(messages.seed, { n: String(take.seed) })}`;
    const title = `${say(messages.take, { n: at + 1 })}${seed}`;
    attach(choose, { "aria-label": title, title });
    this.#pictures.take(take).then((url) => {
      if (url) choose.append(h("img", { src: url, alt: "", draggable: "false" }));
      else put(choose, String(at + 1));
    });
    return choose;
  }
}

function again(card: Card): string {
  if (card.status === "complete" && !card.edited) return messages.another;
  return card.status === "waiting" || card.status === "complete" ? messages.generate : messages.again;
}
