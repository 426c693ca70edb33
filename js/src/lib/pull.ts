// A take's bytes: a URL of Jupyter's server where that works, else pieces from the kernel, joined into a blob.
import type { Kernel } from "./kernel";
import type { TakeState } from "./wire";

const PIECE = 1_000_000;
const WINDOW = 4;

/** A way to get at a take's bytes: a URL; one that begins with "blob:" is the caller's to revoke. */
export type Source = (
  take: TakeState,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<string>;

/**
 * The server's URL if it has that, else through the kernel. `early` hears the server's before anybody has looked whether
 * it is any good, and says when to: the look takes as long as a first picture.
 */
export function sourceOf(kernel: Kernel, early?: (url: string) => unknown): Source {
  const pieces = fromKernel(kernel);
  return async (take, onProgress, signal) => {
    const url = take.place && (await fromServer(kernel, take, early, signal));
    return url || pieces(take, onProgress, signal);
  };
}

/** The take's URL on Jupyter's server, if that has this very file and lets the browser seek in it. */
async function fromServer(
  kernel: Kernel,
  { place, size }: TakeState,
  early: ((url: string) => unknown) | undefined,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const url = await kernel.resolve(place as string);
    signal.throwIfAborted();
    await early?.(url);
    // Past the browser's cache, which would let the player wait until the look is over.
    const answer = await fetch(url, { cache: "no-store", headers: { Range: "bytes=0-0" }, signal });
    answer.body?.cancel();
    return answer.ok && answer.headers.get("Content-Range")?.endsWith(`/${size}`) ? url : null;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

/** Through the kernel alone. What came already is not asked for again. */
export function fromKernel(kernel: Kernel): Source {
  const had: DataView<ArrayBuffer>[] = [];
  return async (take, onProgress, signal) => {
    let next = 0;
    // One piece that can't be had ends the others too.
    const failed = new AbortController();
    const life = AbortSignal.any([signal, failed.signal]);
    const pull = async () => {
      for (let at = next++; at * PIECE < take.size; at = next++) {
        if (had[at]) continue;
        const [, [piece]] = await kernel.read("piece", { take: take.id, offset: at * PIECE }, life);
        had[at] = piece as DataView<ArrayBuffer>;
        onProgress(had.reduce((sum, one) => sum + one.byteLength, 0));
      }
    };
    try {
      await Promise.all(Array.from({ length: WINDOW }, pull));
    } finally {
      failed.abort();
    }
    return URL.createObjectURL(new Blob(had.splice(0), { type: take.media_type }));
  };
}
