// A take's bytes: asked for in pieces by key, a few at a time, and joined into a blob.
import type { Kernel } from "./kernel";
import type { TakeState } from "./wire";

const PIECE = 1_000_000;
const WINDOW = 4;

/** A way to get at a take's bytes: a URL that the caller revokes. */
export type Source = (
  take: TakeState,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<string>;

/** Through the kernel, which works in every host. */
export function fromKernel(kernel: Kernel): Source {
  return async (take, onProgress, signal) => {
    const pieces: DataView<ArrayBuffer>[] = new Array(Math.ceil(take.size / PIECE));
    // One piece that can't be had ends the others too.
    const failed = new AbortController();
    const life = AbortSignal.any([signal, failed.signal]);
    let next = 0;
    let done = 0;
    const pull = async () => {
      while (next < pieces.length) {
        const index = next++;
        const body = { take: take.id, offset: index * PIECE };
        const [, [piece]] = await kernel.read("piece", body, life);
        pieces[index] = piece as DataView<ArrayBuffer>;
        done += pieces[index].byteLength;
        onProgress(done);
      }
    };
    try {
      await Promise.all(Array.from({ length: WINDOW }, pull));
    } finally {
      failed.abort();
    }
    return URL.createObjectURL(new Blob(pieces, { type: take.media_type }));
  };
}
