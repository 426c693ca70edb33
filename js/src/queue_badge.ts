import "./theme.css";
import "./badge.css";
import { badge } from "./lib/badge";
import { viewOf } from "./lib/view";

const render = viewOf((kernel, signal) => {
  const line = badge(kernel, signal);
  return { el: [line.el], show: ({ job }, since) => job && line.show(job, since) };
});

export default { render };
