// Pictures of the work in progress, asked for while they can be seen.
import type { Kernel } from "./kernel";

export interface Previews {
  /** Which picture is the newest; 0 for none. */
  want(count: number): void;
  /** Whether anybody can see it. */
  see(seen: boolean): void;
}

/** Fetch one picture at a time and only the newest, however fast they come. */
export function previews(kernel: Kernel, show: (url: string) => void, signal: AbortSignal): Previews {
  let wanted = 0;
  let had = 0;
  let seen = false;
  let busy = false;
  let url = "";

  const put = (picture: DataView | undefined, type: string) => {
    if (!picture || !wanted) return;
    const before = url;
    url = URL.createObjectURL(new Blob([picture as DataView<ArrayBuffer>], { type }));
    show(url);
    URL.revokeObjectURL(before);
  };
  const fetchNewest = async () => {
    if (busy) return;
    busy = true;
    while (seen && wanted && had !== wanted && !signal.aborted) {
      had = wanted;
      try {
        const [answer, [picture]] = await kernel.read("preview", {}, signal);
        put(picture, String(answer.media_type));
      } catch {
        // The view went, or there is no picture any more: the job went on.
      }
    }
    busy = false;
  };
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  return {
    want(count) {
      wanted = count;
      fetchNewest();
    },
    see(now) {
      seen = now;
      fetchNewest();
    },
  };
}
