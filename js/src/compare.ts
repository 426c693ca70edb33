import "./theme.css";
import "./parts.css";
import "./player.css";
import "./compare.css";
import { Comparison } from "./lib/comparison";
import { viewOf } from "./lib/view";
import type { CompareState } from "./lib/wire";

const render = viewOf<CompareState>((kernel, signal) => {
  const el = document.createElement("div");
  let shown = "";
  return {
    el: [el],
    show(state) {
      const now = state.takes.map(({ id }) => id).join();
      if (now === shown) return;
      shown = now;
      el.replaceChildren(new Comparison(state, kernel, signal).el);
    },
  };
});

export default { render };
