// Whether a shot is to go; the answer stands where the card's buttons were.
import { attach, button } from "../lib/dom";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type { Acts } from "./act";
import type { CardView } from "./card";

export function ask(acts: Acts, { el, id }: CardView): void {
  const row = el.querySelector(".cw-do");
  if (!row || row.querySelector(".cw-bad")) return;
  const before = [...row.children];
  const back = () => {
    row.replaceChildren(...before);
    el.focus();
  };
  const yes = button("cw-bad", () => acts.go("delete", { shots: [id] }), messages.delete_it);
  attach(yes, { "aria-label": say(messages.delete_shot, { title: id }) });
  const answers = [yes, button("cw-quiet", back, messages.keep)];
  for (const one of answers) one.addEventListener("keydown", (event) => event.key === "Escape" && back());
  row.replaceChildren(...answers);
  yes.focus();
}
