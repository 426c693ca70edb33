// The timeline: its cards between two bars, and beneath them what is wrong.
import { codeOf } from "../lib/code";
import { attach, h } from "../lib/dom";
import type { Kernel } from "../lib/kernel";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type * as code from "../timeline_later";
import { Acts } from "./act";
import { Foot, Head } from "./bars";
import { Pictures } from "./pictures";
import type { TimelineState } from "./state";
import { StripView } from "./strip";
import { Troubles } from "./troubles";

export class Board {
  readonly el: HTMLElement;
  readonly #kernel: Kernel;
  readonly #signal: AbortSignal;
  readonly #acts: Acts;
  readonly #strip: StripView;
  readonly #head: Head;
  readonly #foot: Foot;
  readonly #troubles: Troubles;
  #state: TimelineState | undefined;
  #later: code.Later | undefined;
  #asked: Promise<code.Later> | undefined;

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#kernel = kernel;
    this.#signal = signal;
    const acts = new Acts(kernel);
    this.#acts = acts;
    this.#strip = new StripView(acts, new Pictures(kernel, signal), () => this.#told(), signal);
    this.#head = new Head(acts, this.#strip);
    this.#foot = new Foot(acts);
    this.#troubles = new Troubles(acts);
    acts.refused = (sentence) => this.#troubles.refuse(sentence, this.#state);
    acts.later = (what, shot) => this.#do(what, shot);
    kernel.onLate((late) => this.#foot.late(late));
    const empty = h("p", { class: "cw-dim cw-empty" }, messages.no_shots);
    const parts = [this.#head.el, this.#strip.el, empty, this.#troubles.el, this.#foot.el];
    this.el = h("div", { class: "cw-timeline", role: "group" }, ...parts);
    // Before it is needed, so that nobody waits for it then.
    for (const near of ["pointerenter", "focusin", "dragenter"])
      this.el.addEventListener(near, () => this.#fetch().catch(() => {}), { once: true });
  }

  show(state: TimelineState): void {
    this.#state = state;
    this.#acts.pictures = state.pictures;
    const label = say(messages.timeline, { title: state.title });
    if (this.el.getAttribute("aria-label") !== label) attach(this.el, { "aria-label": label });
    this.#strip.el.hidden = !state.order.length;
    this.#strip.show(state);
    this.#head.show(state, this.#strip.picked.length);
    this.#foot.show(state);
    this.#troubles.show(state);
    this.#later?.show(state);
  }

  #told(): void {
    if (this.#state) this.#head.show(this.#state, this.#strip.picked.length);
  }

  async #do(what: "ask" | "open" | "play", shot?: string): Promise<void> {
    try {
      const later = await this.#fetch();
      if (this.#state) later[what](this.#state, shot);
    } catch (error) {
      if (!this.#signal.aborted) this.#acts.refused((error as Error).message);
    }
  }

  #fetch(): Promise<code.Later> {
    const fetched = async () => {
      try {
        const { Later } = await codeOf<typeof code>(this.#kernel, "later", this.#signal);
        this.#later = new Later(this.#acts, this.#strip, this.#kernel, this.#signal);
        this.#foot.el.before(...this.#later.el);
        return this.#later;
      } catch (error) {
        this.#asked = undefined; // so that the next call tries again
        throw error;
      }
    };
    this.#asked ??= fetched();
    return this.#asked;
  }
}
