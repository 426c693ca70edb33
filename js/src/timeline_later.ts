// What a timeline needs once somebody comes near: the drawer, the film, a question, and what is dragged. The kernel
// sends it then, since a saved notebook holds the code of each of its widgets.
import type { Kernel } from "./lib/kernel";
import type { Acts } from "./timeline/act";
import { Drags } from "./timeline/drags";
import { Drawer } from "./timeline/drawer";
import { Film } from "./timeline/film";
import { ask } from "./timeline/question";
import type { TimelineState } from "./timeline/state";
import type { StripView } from "./timeline/strip";

export class Later {
  readonly el: HTMLElement[];
  readonly #acts: Acts;
  readonly #strip: StripView;
  readonly #drawer: Drawer;
  readonly #film: Film;

  constructor(acts: Acts, strip: StripView, kernel: Kernel, signal: AbortSignal) {
    this.#acts = acts;
    this.#strip = strip;
    this.#drawer = new Drawer(acts, strip);
    this.#film = new Film(kernel, signal);
    this.el = [this.#drawer.el, this.#film.el];
    new Drags(acts, strip);
  }

  /** Ask whether a shot is to go. */
  ask(_state: TimelineState, shot = ""): void {
    const card = this.#strip.cards.get(shot);
    if (card) ask(this.#acts, card);
  }

  /** Open a shot's drawer, or close it. */
  open(state: TimelineState, shot = ""): void {
    this.#drawer.toggle(shot, state);
  }

  /** Play the film, from a shot on. */
  play(state: TimelineState, shot?: string): void {
    if (state.complete) this.#film.open(chosen(state), shot);
  }

  show(state: TimelineState): void {
    this.#drawer.show(state);
    this.#film.refresh(chosen(state));
  }
}

/** Which takes make the film. */
function chosen({ order, cards }: TimelineState): string {
  return order.map((id) => cards[id]?.chosen ?? "").join();
}
