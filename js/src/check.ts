import "./theme.css";
import "./check.css";
import { attach, h } from "./lib/dom";
import { mark, setMark } from "./lib/mark";
import * as messages from "./lib/messages.json";
import { say } from "./lib/say";
import { viewOf } from "./lib/view";
import type { CheckState, Finding } from "./lib/wire";

const SHAPES = { ok: "complete", warn: "lost", bad: "error", unknown: "lost" } as const;

function row([name, state, word, what, hint]: Finding): HTMLElement {
  const shape = mark();
  setMark(shape, SHAPES[state]);
  const words = h("td", {}, what, h("div", { class: "cw-hint", hidden: !hint }, hint));
  const told = h("td", { class: "cw-word" }, shape, word);
  return h("tr", { "data-state": state }, h("th", { scope: "row" }, name), told, words);
}

const render = viewOf<CheckState>((kernel, signal) => {
  const rows = h("tbody");
  const live = h("tbody");
  const table = h("table", { class: "cw-check", "aria-label": messages.check }, rows, live);
  const tell = (state: Finding[1], word: string, what: string, hint = "") =>
    live.replaceChildren(row([messages.browser, state, word, what, hint]));
  const began = performance.now();
  tell("unknown", messages.asking, messages.asking_hint);
  kernel.onLate((late) => {
    if (late) tell("bad", messages.silent, messages.wait_kernel, messages.wait_kernel_hint);
  });
  kernel.read("snapshot", {}, signal).then(
    () => tell("ok", messages.works, say(messages.round_trip, { n: Math.ceil(performance.now() - began) })),
    (error: Error) => signal.aborted || tell("bad", messages.silent, error.message),
  );
  return {
    el: [table],
    show({ findings }) {
      rows.replaceChildren(...findings.map(row));
      attach(table, { "data-ok": findings.every(([, state]) => state === "ok") });
    },
  };
});

export default { render };
