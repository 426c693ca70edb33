// The small picture of a take: in its state, on Jupyter's server, or in the kernel's hands.
import type { Kernel } from "./kernel";
import type { TakeState } from "./wire";

/** The poster's URL, null if there is none to be had; what had to be made for it goes with the signal. */
export async function posterOf(
  { id, poster }: Pick<TakeState, "id" | "poster">,
  kernel: Kernel,
  signal: AbortSignal,
): Promise<string | null> {
  if (poster === null || poster.startsWith("data:")) return poster;
  try {
    const url = poster && (await kernel.resolve(poster));
    if (url && (await fetch(url, { signal })).ok) return url;
  } catch {
    // There is no server; the kernel is left.
  }
  try {
    const [, [picture]] = await kernel.read("poster", { take: id }, signal);
    const url = URL.createObjectURL(new Blob([picture as DataView<ArrayBuffer>], { type: "image/jpeg" }));
    signal.addEventListener("abort", () => URL.revokeObjectURL(url));
    return url;
  } catch {
    return null;
  }
}
