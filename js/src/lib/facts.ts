// What made a take, as a line of chips.

import { h } from "./dom";
import * as messages from "./messages.json";
import { bytes, clock, day, say } from "./say";
import type { TakeState } from "./wire";

// Told by the picture, the prompt line, or the measures of the file itself.
const TOLD = new Set(["prompt", "seed", "width", "height", "fps", "length", "frames", "seconds"]);

/** The texts of the chips, what differs most between takes first. */
export function facts(take: TakeState): string[] {
  const { seed } = take.inputs;
  const found: string[] = [];
  if (seed !== undefined && seed !== null) found.push(say(messages.seed, { n: seed as string }));
  if (take.width && take.height) found.push(`${take.width}×${take.height}`);
  if (take.seconds) {
    const n = take.seconds.toFixed(1);
    found.push(
      take.fps ? say(messages.seconds_fps, { n, fps: +take.fps.toFixed(2) }) : say(messages.seconds, { n }),
    );
  }
  found.push(take.cached ? say(messages.cached, { day: day(take.made) }) : messages.fresh);
  if (take.simulated) found.push(messages.simulated);
  for (const [name, value] of Object.entries(take.inputs))
    if (!TOLD.has(name) && value !== null && value !== "")
      found.push(say(messages.input, { name: name.replaceAll("_", " "), value: value as string }));
  return found;
}

/** What a job has come to, in one line. */
export function result(take: TakeState): string {
  if (!take.cached) return say(messages.file, { file: take.file, size: bytes(take.size) });
  const origin = { day: day(take.made), server: take.server };
  // Who packed it for others does not say where it was made.
  if (!origin.server) return say(messages.cached, origin);
  return take.render_seconds
    ? say(messages.cached_in, { ...origin, time: clock(take.render_seconds) })
    : say(messages.cached_on, origin);
}

/** Say them in a list. */
export function chips(list: HTMLElement, take: TakeState): void {
  const cached = say(messages.cached, { day: day(take.made) });
  const items = facts(take).map((text) => {
    const title = text === cached ? result(take) : text;
    return h("li", { class: "cw-chip cw-num", title }, text);
  });
  list.replaceChildren(...items);
}
