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
  let picture: Blob | undefined;
  try {
    // Its bytes at once: by its address a video and an image would each ask for them again.
    const answer = poster ? await fetch(await kernel.resolve(poster), { signal }) : undefined;
    if (answer?.ok) picture = await answer.blob();
  } catch {
    // There is no server; the kernel is left.
  }
  try {
    picture ??= new Blob((await kernel.read("poster", { take: id }, signal))[1] as DataView<ArrayBuffer>[]);
  } catch {
    return null;
  }
  const url = URL.createObjectURL(picture);
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  return url;
}
