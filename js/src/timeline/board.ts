// The timeline: its cards between two bars, beneath them what is wrong, the drawer and the film.
import { attach, h } from "../lib/dom";
import type { Kernel } from "../lib/kernel";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import { Acts } from "./act";
import { Foot, Head } from "./bars";
import { Drawer } from "./drawer";
import { Film } from "./film";
import { Pictures } from "./pictures";
import type { TimelineState } from "./state";
import { StripView } from "./strip";
import { Troubles } from "./troubles";

export class Board {
  readonly el: HTMLElement;
  readonly #strip: StripView;
  readonly #head: Head;
  readonly #foot: Foot;
  readonly #drawer: Drawer;
  readonly #troubles: Troubles;
  readonly #film: Film;
  readonly #empty = h("p", { class: "cw-dim cw-empty", hidden: true }, messages.no_shots);
  #state: TimelineState | undefined;

  constructor(kernel: Kernel, signal: AbortSignal) {
    const acts = new Acts(kernel);
    this.#strip = new StripView(acts, new Pictures(kernel, signal), () => this.#told(), signal);
    this.#head = new Head(acts, this.#strip);
    this.#foot = new Foot(acts);
    this.#drawer = new Drawer(acts, this.#strip);
    this.#troubles = new Troubles(acts);
    this.#film = new Film(kernel, signal);
    acts.refused = (sentence) => this.#troubles.refuse(sentence, this.#state);
    kernel.onLate((late) => this.#foot.late(late));
    acts.open = (shot) => this.#state && this.#drawer.toggle(shot, this.#state);
    acts.play = (shot) => this.#state?.complete && this.#film.open(chosen(this.#state), shot);
    const parts = [this.#head, this.#strip, this.#troubles, this.#drawer, this.#film, this.#foot];
    this.el = h("div", { class: "cw-timeline", role: "group" }, ...parts.map(({ el }) => el));
    this.#strip.el.after(this.#empty);
  }

  show(state: TimelineState): void {
    this.#state = state;
    const label = say(messages.timeline, { title: state.title });
    if (this.el.getAttribute("aria-label") !== label) attach(this.el, { "aria-label": label });
    this.#empty.hidden = state.order.length > 0;
    this.#strip.el.hidden = !state.order.length;
    this.#strip.show(state);
    this.#head.show(state, this.#strip.picked.length);
    this.#foot.show(state);
    this.#troubles.show(state);
    this.#drawer.show(state);
    this.#film.refresh(chosen(state));
  }

  #told(): void {
    if (this.#state) this.#head.show(this.#state, this.#strip.picked.length);
  }
}

/** Which takes make the film. */
function chosen({ order, cards }: TimelineState): string {
  return order.map((id) => cards[id]?.chosen ?? "").join();
}
