// Keeping a view at the latest state, whatever was lost on the way.
import type { Kernel } from "./kernel";
import { MOVING, type Model, type Told } from "./wire";

const QUIET_MS = 10_000;
// A first picture has its way free meanwhile.
const LATER_MS = 150;

/** What is told of each newer state: its seconds were true at `since` (performance.now). */
type Show<S> = (state: S, since: number) => void;

/**
 * Tells a view each newer state.
 *
 * What a view finds in the trait may be old (a page that was reloaded, a notebook that was saved), and messages can be
 * dropped under load: so it asks when it begins (a little later where nothing goes on), when it sees a gap, and when a
 * job that goes on is quiet.
 */
export class Follower<S extends Told> {
  readonly #model: Model<S>;
  readonly #kernel: Kernel;
  readonly #show: Show<S>;
  readonly #signal: AbortSignal;
  #seq = -1;
  #heard = 0;
  #asking = false;

  constructor(model: Model<S>, kernel: Kernel, show: Show<S>, signal: AbortSignal) {
    this.#model = model;
    this.#kernel = kernel;
    this.#show = show;
    this.#signal = signal;
    const changed = () => this.#changed();
    const begin = setTimeout(() => this.#ask(), this.#moves() ? 0 : LATER_MS);
    const quiet = setInterval(() => {
      if (this.#moves() && performance.now() - this.#heard > QUIET_MS) this.#ask();
    }, QUIET_MS);
    model.on("change:state", changed);
    signal.addEventListener("abort", () => {
      model.off("change:state", changed);
      clearTimeout(begin);
      clearInterval(quiet);
    });
    this.#take(model.get("state"), 0);
  }

  #changed(): void {
    const state = this.#model.get("state");
    const gap = state.seq > this.#seq + 1;
    this.#take(state, 0);
    if (gap) this.#ask();
  }

  #take(state: S, late: number): void {
    if (state.seq < this.#seq) return;
    this.#seq = state.seq;
    this.#heard = performance.now();
    this.#show(state, this.#heard - late * 1000);
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const [answer] = await this.#kernel.read("snapshot", {}, this.#signal);
      this.#take(answer.state as S, answer.late as number);
    } catch {
      // The view went, or there is no kernel: what is shown stays.
    } finally {
      this.#asking = false;
    }
  }

  #moves(): unknown {
    const { job, active } = this.#model.get("state");
    return active || (job && MOVING.has(job.status));
  }
}
