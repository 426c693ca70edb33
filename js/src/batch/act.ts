// What rows, cells and bars do with the batch.
import type { Kernel } from "../lib/kernel";

export class Acts {
  readonly kernel: Kernel;
  /** Told why something could not be done; an empty text takes it back. */
  refused: (sentence: string) => void = () => {};
  /** Show items beneath: one in a player, or as it comes, or why it failed; several side by side. */
  open: (items: number[]) => void = () => {};

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  async go(name: string, body: object = {}): Promise<void> {
    try {
      await this.kernel.act(name, body);
      this.refused("");
    } catch (error) {
      this.refused((error as Error).message);
    }
  }
}
