import { Grid } from "./batch/grid";
import { boardOf } from "./batch/view";
import * as messages from "./lib/messages.json";
import "./theme.css";
import "./parts.css";
import "./batch.css";
import "./sweep.css";

const render = boardOf(messages.sweep, (acts, pictures) => new Grid(acts, pictures));

export default { render };
