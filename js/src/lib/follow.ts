// Keeping a view at the latest state, whatever was lost on the way.
import type { Kernel } from "./kernel";
import { MOVING, type Model, type State } from "./wire";

const QUIET_MS = 10_000;

/**
 * Tell `show` each newer state with the time (performance.now) that its seconds refer to.
 *
 * What a view finds in the trait may be old (a page that was reloaded, a notebook that was saved), and messages can be
 * dropped under load: so it asks when it begins, when it sees a gap, and when a job that goes on is quiet.
 */
export function follow(
  model: Model,
  kernel: Kernel,
  show: (state: State, since: number) => void,
  signal: AbortSignal,
): void {
  let seq = -1;
  let heard = performance.now();
  let asking = false;

  const take = (state: State, late: number) => {
    if (state.seq < seq) return;
    seq = state.seq;
    heard = performance.now();
    show(state, heard - late * 1000);
  };
  const ask = async () => {
    if (asking) return;
    asking = true;
    try {
      const [answer] = await kernel.read("snapshot", {}, signal);
      take(answer.state as State, Number(answer.late));
    } catch {
      // The view went, or the kernel refused: what is shown stays.
    } finally {
      asking = false;
    }
  };
  const changed = () => {
    const state = model.get("state");
    const gap = state.seq > seq + 1;
    take(state, 0);
    if (gap) ask();
  };
  model.on("change:state", changed);
  const quiet = setInterval(() => {
    const { job } = model.get("state");
    if (job && MOVING.has(job.status) && performance.now() - heard > QUIET_MS) ask();
  }, QUIET_MS);
  signal.addEventListener("abort", () => {
    model.off("change:state", changed);
    clearInterval(quiet);
  });
  take(model.get("state"), 0);
  ask();
}
