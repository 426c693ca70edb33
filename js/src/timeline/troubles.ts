// Why shots have no take, why nothing is saved, why something was refused: each with what to do.
import { attach, button, h } from "../lib/dom";
import * as messages from "../lib/messages.json";
import { say } from "../lib/say";
import type { Acts } from "./act";
import type { TimelineState, Trouble } from "./state";

const MOST = 3;

export class Troubles {
  readonly el = h("div", { class: "cw-troubles", role: "status" });
  readonly #acts: Acts;
  #shown = "";
  #refused = "";

  constructor(acts: Acts) {
    this.#acts = acts;
  }

  refuse(sentence: string, state: TimelineState | undefined): void {
    this.#refused = sentence;
    if (state) this.show(state);
  }

  show({ order, cards, complaint }: TimelineState): void {
    // What is equal is said once: a server that is away fails all of them.
    const found = new Map<string, [Trouble, ids: string[]]>();
    for (const id of order) {
      const card = cards[id];
      const error = card?.status === "error" || card?.status === "lost" ? card.error : card?.picture;
      if (!error) continue;
      const { what, details } = error;
      const name = [what, ...details].join("\n");
      const [, ids] = found.get(name) ?? [];
      if (ids) ids.push(id);
      else found.set(name, [error, [id]]);
    }
    const all = [...found.values()];
    const now = JSON.stringify([all, complaint, this.#refused]);
    if (now === this.#shown) return;
    this.#shown = now;
    this.el.replaceChildren();
    if (this.#refused) this.#line(this.#refused);
    if (complaint) {
      const { what, hint, does } = complaint;
      const go = ([act, words]: string[]) =>
        button("", () => this.#acts.go(act as string, { anyway: true }), words);
      this.#line(what, hint, ...does.map(go));
    }
    for (const [error, ids] of all.slice(0, MOST)) this.#shots(error, ids, order.length);
    const n = all.slice(MOST).reduce((sum, [, ids]) => sum + ids.length, 0);
    if (n) this.#line(say(messages.more_errors, { n }));
  }

  #line(what: string | Node, hint = "", ...does: HTMLElement[]): void {
    const words = h("div", { class: "cw-say" }, what, " ", h("span", { class: "cw-dim" }, hint));
    this.el.append(h("div", { class: "cw-err" }, words, ...does));
  }

  #shots({ where, what, hint, details }: Trouble, ids: string[], of: number): void {
    const again = button("", () => this.#acts.go("generate", { shots: ids }), messages.again);
    const [title = "", ...more] = ids;
    attach(again, { "aria-label": say(messages.again_shot, { title }) });
    let place = where || title;
    if (more.length) place = say(messages.and_shots, { place, n: more.length });
    const told = h("span", {}, h("b", {}, place), `: ${what}`);
    this.#line(told, ids.length < of ? `${hint} ${messages.others_go_on}` : hint, again);
    if (details.length)
      this.el.lastElementChild?.append(h("pre", { class: "cw-details", tabindex: 0 }, details.join("\n")));
  }
}
