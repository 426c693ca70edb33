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
    const found: [string, Trouble][] = [];
    for (const id of order) {
      const card = cards[id];
      const error = card?.status === "error" || card?.status === "lost" ? card.error : card?.picture;
      if (error) found.push([id, error]);
    }
    const now = JSON.stringify([found, complaint, this.#refused]);
    if (now === this.#shown) return;
    this.#shown = now;
    this.el.replaceChildren();
    if (this.#refused) this.#line("", this.#refused, "");
    if (complaint) this.#file(complaint);
    for (const [id, error] of found.slice(0, MOST)) this.#shot(id, error, found.length > 1);
    if (found.length > MOST) this.#line("", say(messages.more_errors, { n: found.length - MOST }), "");
  }

  #line(where: string, what: string, hint: string, ...more: HTMLElement[]): void {
    const words = h("span", {}, where ? h("b", {}, where) : "", where ? `: ${what} ` : `${what} `);
    this.el.append(h("div", { class: "cw-err" }, ...more, words, h("span", { class: "cw-dim" }, hint)));
  }

  #file(complaint: string): void {
    const theirs = button("", () => this.#acts.go("reload"), messages.take_theirs);
    const mine = button("", () => this.#acts.go("save", { anyway: true }), messages.keep_mine);
    this.#line("", complaint, "", h("span", { class: "cw-row" }, theirs, mine));
  }

  #shot(id: string, { where, what, hint, details }: Trouble, others: boolean): void {
    const again = button("cw-quiet", () => this.#acts.go("generate", { shots: [id] }), messages.again);
    attach(again, { "aria-label": say(messages.again_shot, { title: id }) });
    this.#line(where || id, what, others ? hint : `${hint} ${messages.others_go_on}`, again);
    if (details.length)
      this.el.lastElementChild?.append(h("pre", { class: "cw-details", tabindex: 0 }, details.join("\n")));
  }
}
