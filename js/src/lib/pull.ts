// A take's bytes: asked for in pieces by key, a few at a time, and joined into a blob.
import type { Kernel } from "./kernel";
import type { TakeState } from "./wire";

const PIECE = 1_000_000;
const WINDOW = 4;

/** A way to get at a take: its URL, which the caller revokes. */
export type Source = (
  take: TakeState,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<string>;

/** Through the kernel, which works in every host. */
export function fromKernel(kernel: Kernel): Source {
  return async (take, onProgress, signal) => {
    const pieces: DataView<ArrayBuffer>[] = new Array(Math.ceil(take.size / PIECE));
    let next = 0;
    let done = 0;
    const pull = async () => {
      while (next < pieces.length) {
        const index = next++;
        const [, [piece]] = await kernel.read("piece", { take: take.id, offset: index * PIECE }, signal);
        pieces[index] = piece as DataView<ArrayBuffer>;
        done += pieces[index].byteLength;
        onProgress(done);
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, pull));
    return URL.createObjectURL(new Blob(pieces, { type: take.media_type }));
  };
}
