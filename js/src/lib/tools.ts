// Buttons that say what they are set to.

import { attach, button, put } from "./dom";
import * as messages from "./messages.json";
import { say } from "./say";

const SPEEDS = [1, 0.5, 0.25, 2];

/** A button that is on or off. */
export function toggle(text: string, on: boolean, tell: (on: boolean) => void): HTMLButtonElement {
  let is = on;
  const show = () => attach(it, { "aria-pressed": String(is) });
  const it = button(
    "cw-quiet",
    () => {
      is = !is;
      show();
      tell(is);
    },
    text,
  );
  show();
  return it;
}

/** A button that goes through the speeds. */
export function speeder(tell: (speed: number) => void): HTMLButtonElement {
  let at = 0;
  const it = button("cw-quiet cw-num", () => {
    at++;
    tell(show());
  });
  const show = () => {
    const n = SPEEDS[at % SPEEDS.length] as number;
    put(it, say(messages.speed, { n }));
    attach(it, { "aria-label": say(messages.speed_label, { n }) });
    return n;
  };
  show();
  return it;
}
