// Two to four takes: their pictures, one transport bar, and under each what is its own.

import { attach, h, put } from "./dom";
import { InStep, type Track } from "./in_step";
import type { Kernel } from "./kernel";
import * as messages from "./messages.json";
import { Reel } from "./reel";
import { say } from "./say";
import { Screen } from "./screen";
import { speeder, toggle } from "./tools";
import { Transport } from "./transport";
import type { CompareState, Fact, TakeState } from "./wire";

export class Comparison {
  readonly el: HTMLElement;
  readonly #screens: Screen[];
  readonly #over = new Map<Track, HTMLElement>();
  readonly #steps: InStep;
  readonly #transport: Transport;
  readonly #wiper = h("input", {
    type: "range",
    class: "cw-wiper",
    min: 0,
    max: 100,
    value: 50,
    hidden: true,
  });

  constructor({ takes, same, each }: CompareState, kernel: Kernel, signal: AbortSignal) {
    this.#screens = takes.map(() => new Screen(() => {}, true));
    const tracks = takes.map((take, at) => this.#load(take, this.#screens[at] as Screen, kernel, signal));
    this.#steps = new InStep(tracks, () => this.#tell(), signal);
    this.#transport = new Transport(this.#steps, this.#tools(takes));
    const [first] = takes;
    const title = takes.map((take) => take.title).join(", ");
    this.el = h("div", {
      class: "cw-compare",
      role: "group",
      "aria-label": say(messages.compare, { title }),
    });
    this.el.style.setProperty("--cw-n", String(takes.length));
    if (first?.width && first.height)
      this.el.style.setProperty("--cw-ratio", String(first.width / first.height));
    attach(this.#wiper, { "aria-label": messages.wipe_label });
    this.#wiper.addEventListener("input", () => this.#wipe());
    const pictures = h("div", { class: "cw-pictures" }, ...this.#screens.map(({ el }) => el), this.#wiper);
    const captions = takes.map((take, at) => caption(take, each[at] ?? []));
    const below = h("div", { class: "cw-captions" }, ...captions);
    this.el.append(pictures, this.#transport.el, below, equal(same));
    this.el.addEventListener("keydown", (event) => this.#key(event));
    this.#tell();
  }

  #load(take: TakeState, screen: Screen, kernel: Kernel, signal: AbortSignal): Track {
    const fps = take.fps ?? 24;
    const track = {
      video: screen.video,
      fps,
      seconds: take.seconds ?? (take.frames ?? 1) / fps,
      gone: false,
    };
    const tell = (there: boolean) => {
      track.gone = !there;
      screen.video.dispatchEvent(new Event("cw-gone"));
    };
    const reel = new Reel(take, screen, kernel, signal, tell);
    screen.retry = () => {
      const again = reel.retry();
      // The bytes are there, but this browser can't play them.
      if (!again) tell(false);
      return again;
    };
    screen.set(take, () => reel.load());
    // One is heard at a time: the first, and none before it is asked for.
    screen.video.muted = true;
    reel.begin();
    kernel.onLate((late) => screen.late(late));
    signal.addEventListener("abort", () => screen.clear());
    const over = h("span", { class: "cw-tag cw-over", hidden: true }, messages.over);
    screen.el.append(over);
    this.#over.set(track, over);
    return track;
  }

  #tools(takes: TakeState[]): HTMLElement[] {
    const sound = toggle(messages.sound, false, (on) => {
      const [first] = this.#screens;
      if (first) first.video.muted = !on;
    });
    sound.title = say(messages.sound_title, { title: takes[0]?.title ?? "" });
    const loop = toggle(messages.loop, true, (on) => {
      this.#steps.loop = on;
    });
    const wipe = toggle(messages.wipe, false, (on) => {
      attach(this.el, { "data-wipe": on });
      this.#wiper.hidden = !on;
      this.#wipe();
    });
    const speed = speeder((rate) => {
      this.#steps.speed = rate;
    });
    return takes.length === 2 ? [loop, speed, sound, wipe] : [loop, speed, sound];
  }

  #wipe(): void {
    this.el.style.setProperty("--cw-wipe", `${this.#wiper.value}%`);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "," || event.key === ".") this.#steps.step(event.key === "," ? -1 : 1);
  }

  #tell(): void {
    // Called once by the steps before there is a bar.
    this.#transport?.tell();
    for (const [track, over] of this.#over) over.hidden = !this.#steps?.over(track);
  }
}

function caption(take: TakeState, facts: Fact[]): HTMLElement {
  const number = take.take_number > 1 ? say(messages.take, { n: take.take_number }) : "";
  const head = h("div", { class: "cw-row" }, h("b", { class: "cw-title", title: take.title }, take.title));
  head.append(h("span", { class: "cw-dim" }, number));
  const list = h("ul", { class: "cw-chips" });
  for (const [name, text, whole] of facts) {
    const words = name === "prompt" ? text : say(messages.input, { name, value: text });
    const chip = h("li", { class: "cw-chip cw-diff cw-num", title: `${name}: ${whole}`, tabindex: 0 });
    put(chip, words);
    list.append(chip);
  }
  return h("div", { class: "cw-caption" }, head, list);
}

/** What is equal is said once. */
function equal(same: Fact[]): HTMLElement {
  const words = same.map(([name, text]) =>
    name === "prompt" ? text : say(messages.input, { name, value: text }),
  );
  const line = h("p", { class: "cw-clamp cw-dim cw-same", tabindex: 0, hidden: !words.length });
  put(line, say(messages.same, { facts: words.join(", ") }));
  return line;
}
