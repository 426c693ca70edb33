// What made a take, as a line of chips.
import { h } from "./dom";
import { bytes, clock, day, say } from "./say";
import type { TakeState } from "./wire";

// Told by the picture, the prompt line, or the measures of the file itself.
const TOLD = new Set(["prompt", "seed", "width", "height", "fps", "length", "frames", "seconds"]);

/** The texts of the chips, what differs most between takes first. */
export function facts(take: TakeState): string[] {
  const { seed } = take.inputs;
  const found: string[] = [];
  if (seed !== undefined && seed !== null) found.push(say("seed", { n: String(seed) }));
  if (take.width && take.height) found.push(`${take.width}×${take.height}`);
  if (take.seconds) {
    const n = take.seconds.toFixed(1);
    found.push(take.fps ? say("seconds_fps", { n, fps: +take.fps.toFixed(2) }) : say("seconds", { n }));
  }
  found.push(take.cached ? say("cached", { day: day(take.made) }) : say("new"));
  if (take.simulated) found.push(say("simulated"));
  for (const [name, value] of Object.entries(take.inputs))
    if (!TOLD.has(name) && value !== null && value !== "")
      found.push(say("input", { name: name.replaceAll("_", " "), value: String(value) }));
  return found;
}

/** What a job has come to, in one line. */
export function result(take: TakeState): string {
  if (!take.cached) return say("file", { file: take.file, size: bytes(take.size) });
  const origin = { day: day(take.made), server: take.server };
  return take.render_seconds
    ? say("cached_in", { ...origin, time: clock(take.render_seconds) })
    : say("cached_on", origin);
}

export function chips(take: TakeState): HTMLElement {
  const list = h("ul", { class: "cw-chips" });
  const cached = say("cached", { day: day(take.made) });
  for (const text of facts(take)) {
    const title = text === cached ? result(take) : text;
    list.append(h("li", { class: "cw-chip cw-num", title }, text));
  }
  return list;
}
