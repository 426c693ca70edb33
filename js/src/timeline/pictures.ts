// The small pictures of cards, asked for once each.
import type { Kernel } from "../lib/kernel";
import { posterOf } from "../lib/poster";
import type { Strip } from "./state";

export class Pictures {
  readonly #kernel: Kernel;
  readonly #signal: AbortSignal;
  readonly #had = new Map<string, Promise<string | null>>();

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#kernel = kernel;
    this.#signal = signal;
  }

  take({ id, poster }: Strip): Promise<string | null> {
    return this.#once(id, () => posterOf({ id, poster }, this.#kernel, this.#signal));
  }

  keyframe(shot: string, path: string): Promise<string | null> {
    return this.#once(`${shot} ${path}`, async () => {
      try {
        const [, [picture]] = await this.#kernel.read("keyframe", { shot }, this.#signal);
        const url = URL.createObjectURL(new Blob([picture as DataView<ArrayBuffer>], { type: "image/jpeg" }));
        this.#signal.addEventListener("abort", () => URL.revokeObjectURL(url));
        return url;
      } catch {
        return null; // a path that leads nowhere is said when the shot is generated
      }
    });
  }

  #once(name: string, ask: () => Promise<string | null>): Promise<string | null> {
    let answer = this.#had.get(name);
    if (!answer) {
      answer = ask();
      this.#had.set(name, answer);
      // One that could not be had may be there later.
      answer.then((url) => url === null && this.#had.delete(name));
    }
    return answer;
  }
}
