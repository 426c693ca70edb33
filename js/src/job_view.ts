import "./theme.css";
import "./badge.css";
import "./player.css";
import { badge } from "./lib/badge";
import { player } from "./lib/player";
import { previews } from "./lib/preview";
import { viewOf } from "./lib/view";

/** A job: its badge, under it the picture as it comes, and then the take. */
const render = viewOf((kernel, signal) => {
  const line = badge(kernel, signal);
  const stage = player(kernel, signal);
  stage.el.hidden = true;
  const preview = previews(
    kernel,
    (url) => {
      stage.el.hidden = false;
      stage.screen.preview(url);
    },
    signal,
  );
  return {
    el: [line.el, stage.el],
    show({ job, take }, since) {
      if (job) line.show(job, since);
      if (take) {
        stage.el.hidden = false;
        stage.show(take);
      } else if (job) preview(job.preview);
    },
  };
});

export default { render };
