import "./theme.css";
import "./parts.css";
import "./badge.css";
import "./player.css";
import { Badge } from "./lib/badge";
import { Player } from "./lib/player";
import { previews } from "./lib/preview";
import { viewOf } from "./lib/view";
import { watchView } from "./lib/visible";

/** A job: its badge, under it the picture as it comes, and then the take. */
const render = viewOf((kernel, signal) => {
  const line = new Badge(kernel, signal);
  const stage = new Player(kernel, signal);
  const preview = previews(kernel, (url) => stage.screen.preview(url), signal);
  // The badge is watched, since the stage is not there before the first picture.
  watchView(line.el, preview.see, signal);
  return {
    el: [line.el, stage.el],
    show({ job, take }, since) {
      if (job) line.show(job, since, take);
      if (take) {
        preview.want(0);
        stage.show(take);
      } else if (job) preview.want(job.preview);
    },
  };
});

export default { render };
