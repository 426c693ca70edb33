// A take: its picture first, then what made it.
import { attach, button, h, put } from "./dom";
import { chips } from "./facts";
import type { Kernel } from "./kernel";
import { fromKernel, type Source } from "./pull";
import { bytes, say } from "./say";
import { Screen } from "./screen";
import { whenVisible } from "./visible";
import type { TakeState } from "./wire";

const SPEEDS = [1, 0.5, 0.25, 2];

/** The URL of a take's bytes, fetched by the first call; null if that failed or is not wanted any more. */
type Loader = () => Promise<string | null>;

export class Player {
  readonly screen = new Screen((ratio) => {
    // Known before anything is shown, so that nothing jumps when the take replaces its preview.
    this.el.style.setProperty("--cw-ratio", String(ratio));
    this.el.hidden = false;
  });
  readonly #below = h("div", { class: "cw-below", hidden: true });
  readonly el = h("div", { class: "cw-player", role: "group" }, this.screen.el, this.#below);
  readonly #source: Source;
  readonly #signal: AbortSignal;
  #shown: string | undefined;
  #one = new AbortController();

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#source = fromKernel(kernel);
    this.#signal = signal;
    this.el.addEventListener("keydown", (event) => this.screen.key(event));
    kernel.onLate((late) => this.screen.late(late));
    signal.addEventListener("abort", () => this.screen.clear());
  }

  show(take: TakeState): void {
    if (take.id === this.#shown) return;
    this.#shown = take.id;
    this.#one.abort();
    this.#one = new AbortController();
    const life = AbortSignal.any([this.#signal, this.#one.signal]);
    const load = loader(take, this.screen, this.#source, life);
    attach(this.el, { "aria-label": take.title });
    this.el.hidden = this.#below.hidden = false;
    this.#below.replaceChildren(...describe(take, this.screen, load));
    this.screen.set(take, load);
    if (take.kind === "video" || take.kind === "image") whenVisible(this.screen.el, load, life);
  }
}

function loader(take: TakeState, screen: Screen, source: Source, life: AbortSignal): Loader {
  let url: Promise<string | null> | undefined;
  const load = async () => {
    try {
      screen.progress(0, take.size);
      const found = await source(take, (done) => screen.progress(done, take.size), life);
      life.addEventListener("abort", () => URL.revokeObjectURL(found));
      screen.ready(found);
      return found;
    } catch (error) {
      url = undefined; // so that the next call tries again
      if (!life.aborted) screen.fail((error as Error).message);
      return null;
    }
  };
  return () => {
    url ??= load();
    return url;
  };
}

function describe(take: TakeState, screen: Screen, load: Loader): HTMLElement[] {
  const head = h(
    "div",
    { class: "cw-row" },
    h("b", { class: "cw-title", title: take.title }, take.title),
    h("span", { class: "cw-dim" }, take.take_number > 1 ? say("take", { n: take.take_number }) : ""),
    screen.readout,
    h("span", { class: "cw-grow" }),
    ...(take.kind === "video" ? [looper(screen), speeder(screen)] : []),
    saver(take, load),
  );
  const prompt = String(take.inputs.prompt ?? "");
  if (!prompt || prompt === take.title) return [head, chips(take)];
  return [head, h("p", { class: "cw-clamp", title: prompt, tabindex: 0 }, prompt), chips(take)];
}

function looper(screen: Screen): HTMLElement {
  const loop = button("cw-quiet", () => attach(loop, { "aria-pressed": String(screen.loop()) }), say("loop"));
  attach(loop, { "aria-pressed": "true" });
  return loop;
}

function speeder(screen: Screen): HTMLElement {
  let at = 0;
  const speed = button("cw-quiet cw-num", () => {
    at = (at + 1) % SPEEDS.length;
    tell();
  });
  const tell = () => {
    const n = SPEEDS[at] ?? 1;
    screen.speed(n);
    put(speed, say("speed", { n }));
    attach(speed, { "aria-label": say("speed_label", { n }) });
  };
  tell();
  return speed;
}

function saver(take: TakeState, load: Loader): HTMLElement {
  const save = button(
    "cw-quiet",
    async () => {
      const href = await load();
      if (href) h("a", { href, download: take.file }).click();
    },
    say("save"),
  );
  save.title = `${say("save_title", { file: take.file })}, ${bytes(take.size)}`;
  return save;
}
