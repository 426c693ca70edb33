// What cards, drawer and bars do with the timeline.
import type { Kernel } from "../lib/kernel";
import type { Picture } from "./state";

export class Acts {
  readonly kernel: Kernel;
  /** Which pictures the workflow takes. */
  pictures: Picture[] = [];
  /** Told why something could not be done; an empty text takes it back. */
  refused: (sentence: string) => void = () => {};
  /** The card to go to when the order changes: behind this one, or this one itself. */
  next: { after?: string; to?: string } = {};
  /** What needs the code that comes later: ask whether a shot is to go, open its drawer, play the film from it on. */
  later: (what: "ask" | "open" | "play", shot?: string) => void = () => {};

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  async do(name: string, body: object = {}, buffers: ArrayBuffer[] = []): Promise<void> {
    try {
      await this.kernel.act(name, body, buffers);
      this.refused("");
    } catch (error) {
      this.refused((error as Error).message);
      throw error;
    }
  }

  /** Do it, where nobody waits for the end. */
  go(name: string, body: object = {}): void {
    this.do(name, body).catch(() => {});
  }

  edit(shot: string, changes: object, typing = false): Promise<void> {
    return this.do("edit", { shot, changes, typing });
  }
}
