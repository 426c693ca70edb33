import "./theme.css";
import "./parts.css";
import "./badge.css";
import { Badge } from "./lib/badge";
import { viewOf } from "./lib/view";

const render = viewOf((kernel, signal) => {
  const line = new Badge(kernel, signal);
  return { el: [line.el], show: ({ job, take }, since) => job && line.show(job, since, take) };
});

export default { render };
