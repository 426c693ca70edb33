// A take: its picture first, then what made it.

import { attach, button, h } from "./dom";
import { chips } from "./facts";
import { grapher } from "./graph";
import type { Kernel } from "./kernel";
import * as messages from "./messages.json";
import { Reel } from "./reel";
import { bytes, say } from "./say";
import { Screen } from "./screen";
import { speeder, toggle } from "./tools";
import type { TakeState } from "./wire";

export class Player {
  readonly screen = new Screen((ratio) => {
    // Known before anything is shown, so that nothing jumps when the take replaces its preview.
    this.el.style.setProperty("--cw-ratio", String(ratio));
    this.el.hidden = false;
  });
  readonly #below = h("div", { class: "cw-below", hidden: true });
  readonly el = h("div", { class: "cw-player", role: "group" }, this.screen.el, this.#below);
  readonly #kernel: Kernel;
  readonly #signal: AbortSignal;
  #shown: string | undefined;
  #one = new AbortController();
  #late = (_late: boolean) => {};

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#kernel = kernel;
    this.#signal = signal;
    this.el.addEventListener("keydown", (event) => this.screen.key(event));
    kernel.onLate((late) => {
      this.screen.late(late);
      this.#late(late);
    });
    signal.addEventListener("abort", () => this.screen.clear());
  }

  show(take: TakeState): void {
    if (take.id === this.#shown) return;
    this.#shown = take.id;
    this.#one.abort();
    this.#one = new AbortController();
    const life = AbortSignal.any([this.#signal, this.#one.signal]);
    const reel = new Reel(take, this.screen, this.#kernel, life);
    attach(this.el, { "aria-label": take.title });
    this.el.hidden = this.#below.hidden = false;
    this.#below.replaceChildren(...this.#describe(take, reel));
    this.screen.retry = () => reel.retry();
    this.screen.set(take, () => reel.load());
    reel.begin();
  }

  /** Show nothing. */
  clear(): void {
    this.#shown = undefined;
    this.#one.abort();
    this.screen.clear();
    this.el.hidden = true;
  }

  #describe(take: TakeState, reel: Reel): HTMLElement[] {
    const { screen } = this;
    const { unfold, graph, late } = grapher(take, this.#kernel, this.#signal);
    this.#late = late;
    const head = h(
      "div",
      { class: "cw-row" },
      h("b", { class: "cw-title", title: take.title }, take.title),
      h("span", { class: "cw-dim" }, take.take_number > 1 ? say(messages.take, { n: take.take_number }) : ""),
      screen.readout,
      h(
        "div",
        { class: "cw-tools" },
        ...(take.kind === "video" ? tools(screen.video) : []),
        saver(take, reel),
        unfold,
      ),
    );
    const prompt = String(take.inputs.prompt ?? "");
    const words = h("p", { class: "cw-clamp", title: prompt, tabindex: 0 }, prompt);
    return [head, ...(prompt && prompt !== take.title ? [words] : []), chips(take), graph];
  }
}

function tools(video: HTMLVideoElement): HTMLElement[] {
  const loop = toggle(messages.loop, true, (on) => {
    video.loop = on;
  });
  const speed = speeder((rate) => {
    video.playbackRate = video.defaultPlaybackRate = rate;
  });
  video.loop = true;
  video.playbackRate = video.defaultPlaybackRate = 1;
  return [loop, speed];
}

function saver(take: TakeState, reel: Reel): HTMLElement {
  const save = button(
    "cw-quiet",
    async () => {
      const href = await reel.load();
      if (href) h("a", { href, download: take.file }).click();
    },
    messages.save,
  );
  save.title = `${say(messages.save_title, { file: take.file })}, ${bytes(take.size)}`;
  return save;
}
