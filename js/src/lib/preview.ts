// Pictures of the work in progress, asked for while they can be seen.
import type { Kernel } from "./kernel";

/** Fetch the picture that a count stands for, one at a time, the newest only. */
export function previews(kernel: Kernel, show: (url: string) => void, signal: AbortSignal) {
  let wanted = 0;
  let had = 0;
  let url = "";
  let busy = false;

  const fetchNewest = async () => {
    busy = true;
    while (had !== wanted && !signal.aborted) {
      had = wanted;
      try {
        const [answer, [picture]] = await kernel.read("preview", {}, signal);
        if (!picture) continue;
        const before = url;
        url = URL.createObjectURL(
          new Blob([picture as DataView<ArrayBuffer>], { type: String(answer.media_type) }),
        );
        show(url);
        URL.revokeObjectURL(before);
      } catch {
        // No picture any more: the job went on.
      }
    }
    busy = false;
  };
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  return (count: number) => {
    wanted = count;
    if (!busy && count > 0) fetchNewest();
  };
}
