import * as messages from "./lib/messages.json";
import "./theme.css";
import "./parts.css";
import "./player.css";
import { Player } from "./lib/player";
import { say } from "./lib/say";
import { viewOf } from "./lib/view";

const render = viewOf((kernel, signal) => {
  const it = new Player(kernel, signal);
  it.el.hidden = false;
  return {
    el: [it.el],
    show({ job, take }) {
      if (take) it.show(take);
      else if (job) it.screen.tell(say(messages.no_take, { status: job.status }));
    },
  };
});

export default { render };
