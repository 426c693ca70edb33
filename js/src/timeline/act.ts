// What cards, drawer and bars do with the timeline.
import type { Kernel } from "../lib/kernel";

const PIECE = 4_000_000;

export class Acts {
  readonly kernel: Kernel;
  /** Told why something could not be done; an empty text takes it back. */
  refused: (sentence: string) => void = () => {};
  /** The card to go to when the order changes: behind this one, or this one itself. */
  next: { after?: string; to?: string } = {};
  /** Play the film from a shot on. */
  play: (shot?: string) => void = () => {};
  /** Open a shot's drawer, or close it. */
  open: (shot: string) => void = () => {};

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

  /** Give a shot an image from this computer, in pieces: more than 8 MB at once would never arrive. */
  async drop(shot: string, file: File, end: boolean): Promise<void> {
    const upload = Math.random().toString(36).slice(2);
    for (let offset = 0; offset < Math.max(1, file.size); offset += PIECE) {
      const piece = await file.slice(offset, offset + PIECE).arrayBuffer();
      const body = { shot, end, upload, offset, size: file.size, file: file.name };
      try {
        await this.do("drop", body, [piece]);
      } catch {
        return;
      }
    }
  }
}
