// The small pictures of cards, asked for once each.
import type { Kernel } from "../lib/kernel";
import { posterOf } from "../lib/poster";
import type { Picture, Strip } from "./state";

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

  /** A shot's picture of its own; rejected with the reason if the kernel has none there. */
  keyframe(shot: string, field: Picture, path: string): Promise<string | null> {
    return this.#once(`${shot} ${field} ${path}`, async () => {
      const [, [picture]] = await this.#kernel.read("keyframe", { shot, field }, this.#signal);
      const url = URL.createObjectURL(new Blob([picture as DataView<ArrayBuffer>], { type: "image/jpeg" }));
      this.#signal.addEventListener("abort", () => URL.revokeObjectURL(url));
      return url;
    });
  }

  #once(name: string, ask: () => Promise<string | null>): Promise<string | null> {
    let answer = this.#had.get(name);
    if (!answer) {
      answer = ask();
      this.#had.set(name, answer);
      // One that could not be had may be there later.
      const forget = () => this.#had.delete(name);
      answer.then((url) => url === null && forget(), forget);
    }
    return answer;
  }
}
