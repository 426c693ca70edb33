import "./theme.css";
import "./parts.css";
import "./timeline.css";
import "./cards.css";
import "./film.css";
import { viewOf } from "./lib/view";
import { Board } from "./timeline/board";
import { keep, type TimelineState } from "./timeline/state";

const render = viewOf<TimelineState>((kernel, signal, model) => {
  const board = new Board(kernel, signal);
  keep(model, signal);
  return {
    el: [board.el],
    show(state) {
      // What was asked for is what the next difference is laid on.
      if (model.get("state") !== state) model.set("state", state);
      board.show(state);
    },
  };
});

export default { render };
