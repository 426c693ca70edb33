import "./theme.css";
import "./player.css";
import { player } from "./lib/player";
import { viewOf } from "./lib/view";

const render = viewOf((kernel, signal) => {
  const it = player(kernel, signal);
  return { el: [it.el], show: ({ take }) => it.show(take) };
});

export default { render };
