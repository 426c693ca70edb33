// An image from this computer on its way to the kernel.
import type { Acts } from "./act";
import type { Picture } from "./state";

const PIECE = 4_000_000;

/** Give a shot an image, in pieces: more than 8 MB at once would never arrive. */
export async function upload(acts: Acts, shot: string, file: File, field: Picture): Promise<void> {
  const name = Math.random().toString(36).slice(2);
  for (let offset = 0; offset < Math.max(1, file.size); offset += PIECE) {
    const piece = await file.slice(offset, offset + PIECE).arrayBuffer();
    const body = { shot, field, upload: name, offset, size: file.size, file: file.name };
    try {
      await acts.do("drop", body, [piece]);
    } catch {
      return; // said where it stands
    }
  }
}
