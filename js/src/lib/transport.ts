// One bar that moves several videos.

import { attach, button, h, put } from "./dom";
import type { InStep } from "./in_step";
import * as messages from "./messages.json";
import { say } from "./say";

export class Transport {
  readonly el: HTMLElement;
  readonly #steps: InStep;
  readonly #go: HTMLButtonElement;
  readonly #place: HTMLInputElement;
  readonly #readout = h("span", { class: "cw-dim cw-num cw-readout" });

  constructor(steps: InStep, tools: HTMLElement[]) {
    this.#steps = steps;
    this.#go = button("cw-go", () => (steps.playing ? steps.pause() : steps.play()));
    // A step of the slider is a frame.
    const max = Math.max(0, Math.round(steps.seconds * steps.fps) - 1);
    this.#place = h("input", { type: "range", class: "cw-place", min: 0, max, value: 0 });
    attach(this.#place, { "aria-label": messages.place });
    this.#place.addEventListener("input", () => steps.seek((Number(this.#place.value) + 0.5) / steps.fps));
    this.el = h(
      "div",
      { class: "cw-row cw-transport" },
      this.#go,
      this.#place,
      this.#readout,
      h("div", { class: "cw-tools" }, ...tools),
    );
  }

  tell(): void {
    const { at, seconds, frame, playing } = this.#steps;
    const text = say(messages.moment, { at: at.toFixed(1), of: seconds.toFixed(1), n: frame + 1 });
    put(this.#readout, text);
    this.#place.value = String(frame);
    this.#place.style.setProperty("--cw-part", `${(100 * frame) / Math.max(1, Number(this.#place.max))}%`);
    attach(this.#place, { "aria-valuetext": text });
    attach(this.#go, {
      "aria-label": playing ? messages.pause : messages.play_all,
      "data-playing": playing,
    });
  }
}
