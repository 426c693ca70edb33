// What a badge is made of.

import { attach, button, h } from "./dom";
import { mark } from "./mark";
import * as messages from "./messages.json";

export type Parts = ReturnType<typeof build>;

export function build(onGo: () => void) {
  const line = {
    shape: mark(),
    state: h("span", { class: "cw-state" }),
    ...words(),
    ...progress(),
    time: h("span", { class: "cw-num cw-dim cw-time" }),
  };
  const go = button("", onGo);
  const unfold = button("cw-quiet", () => fold(parts, !more.hidden), "⋯");
  attach(unfold, { "aria-label": messages.details, title: messages.details });
  const acts = h("span", { class: "cw-acts" }, unfold, go);
  const row = h(
    "div",
    { class: "cw-line" },
    line.shape,
    line.state,
    line.what,
    line.bar,
    line.pct,
    line.time,
    acts,
  );
  const more = h("div", { class: "cw-more", tabindex: 0 });
  // Told on a change of state only: percentages and clocks read aloud would never end.
  const voice = h("span", { class: "cw-voice", role: "status" });
  const el = h("div", { class: "cw-badge", role: "group" }, row, more, voice);
  const parts = { ...line, el, row, go, unfold, more, voice };
  fold(parts, true);
  return parts;
}

function words() {
  const stale = h("span", { class: "cw-warn" });
  const lead = h("b");
  const rest = h("span");
  return { stale, lead, rest, what: h("span", { class: "cw-what" }, stale, lead, rest) };
}

function progress() {
  const fill = h("i");
  const bar = h("span", { class: "cw-bar", role: "progressbar" }, fill);
  return { fill, bar, pct: h("span", { class: "cw-num cw-pct", "aria-hidden": "true" }) };
}

/** Show one line, or under it the whole error. */
export function fold({ more, unfold }: { more: HTMLElement; unfold: HTMLElement }, folded: boolean): void {
  more.hidden = folded;
  attach(unfold, { "aria-expanded": String(!folded) });
}
