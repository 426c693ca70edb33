import { Rows } from "./batch/rows";
import { boardOf } from "./batch/view";
import * as messages from "./lib/messages.json";
import "./theme.css";
import "./parts.css";
import "./batch.css";

const render = boardOf(messages.batch, (acts, pictures) => new Rows(acts, pictures));

export default { render };
