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
import type { FileState, TakeState } from "./wire";

export class Player {
  readonly screen = new Screen((ratio) => {
    // Known before anything is shown, so that nothing jumps when the take replaces its preview.
    this.el.style.setProperty("--cw-ratio", String(ratio));
    this.el.hidden = false;
  });
  readonly #below = h("div", { class: "cw-below", hidden: true });
  /** Hidden until there is something to see. */
  readonly el = h("div", { class: "cw-player", role: "group", hidden: true }, this.screen.el, this.#below);
  readonly #kernel: Kernel;
  readonly #signal: AbortSignal;
  #shown: string | undefined;
  #one = new AbortController();

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#kernel = kernel;
    this.#signal = signal;
    this.el.addEventListener("keydown", (event) => this.screen.key(event));
    kernel.onLate((late) => this.screen.late(late));
    signal.addEventListener("abort", () => this.screen.clear());
  }

  show(take: TakeState): void {
    if (take.id === this.#shown) return;
    this.#shown = take.id;
    attach(this.el, { "aria-label": take.title });
    this.el.hidden = this.#below.hidden = false;
    this.#below.replaceChildren(...this.#describe(take));
  }

  /** Show nothing. */
  clear(): void {
    this.#shown = undefined;
    this.#one.abort();
    this.screen.clear();
    this.el.hidden = true;
  }

  #describe(take: TakeState): HTMLElement[] {
    const { unfold, graph } = grapher(take, this.#kernel, this.#signal);
    const tools = h("div", { class: "cw-tools" });
    const head = h(
      "div",
      { class: "cw-row" },
      h("b", { class: "cw-title", title: take.title }, take.title),
      h("span", { class: "cw-dim" }, take.take_number > 1 ? say(messages.take, { n: take.take_number }) : ""),
      tools,
    );
    const prompt = String(take.inputs.prompt ?? "");
    const words = h("p", { class: "cw-clamp", title: prompt, tabindex: 0 }, prompt);
    const told = h("ul", { class: "cw-chips" });
    const put = (file: FileState) => {
      const one = { ...take, ...file };
      tools.replaceChildren(...this.#run(one), unfold);
      chips(told, one);
    };
    put(take);
    tools.before(outputs(take, put));
    return [head, ...(prompt && prompt !== take.title ? [words] : []), told, graph];
  }

  /** Put a file on the screen; what can be done with it. */
  #run(take: TakeState): HTMLElement[] {
    this.#one.abort();
    this.#one = new AbortController();
    const reel = new Reel(take, this.screen, this.#kernel, AbortSignal.any([this.#signal, this.#one.signal]));
    this.screen.retry = () => reel.retry();
    this.screen.set(take, () => reel.load());
    reel.begin();
    return [...(take.kind === "video" ? tools(this.screen.video) : []), saver(take, reel)];
  }
}

/** Which of a job's files is on the screen, where there are several. */
function outputs(take: TakeState, put: (file: FileState) => void): HTMLElement {
  const files = [take, ...take.also];
  const field = h("select", { "aria-label": messages.outputs, hidden: !take.also.length });
  field.append(...files.map(({ kind }, at) => h("option", {}, `${at + 1}: ${kind}`)));
  field.addEventListener("input", () => put(files[field.selectedIndex] as FileState));
  return field;
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
  save.title = say(messages.file, { file: take.file, size: bytes(take.size) });
  return save;
}
