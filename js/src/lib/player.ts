// A take: its picture first, then what made it.
import { attach, button, h, put } from "./dom";
import { chips } from "./facts";
import type { Kernel } from "./kernel";
import { fromKernel, type Source } from "./pull";
import { bytes, say } from "./say";
import { type Screen, screen } from "./screen";
import { whenVisible } from "./visible";
import type { TakeState } from "./wire";

const SPEEDS = [1, 0.5, 0.25, 2] as const;

export interface Player {
  el: HTMLElement;
  screen: Screen;
  show(take: TakeState): void;
}

export function player(kernel: Kernel, signal: AbortSignal): Player {
  const picture = screen();
  const below = h("div", { class: "cw-below", hidden: true });
  const el = h("section", { class: "cw-player" }, picture.el, below);
  let shown: string | undefined;
  let one: AbortController | undefined;

  const show = (take: TakeState) => {
    if (take.id === shown) return;
    shown = take.id;
    one?.abort();
    one = new AbortController();
    const life = AbortSignal.any([signal, one.signal]);
    attach(el, { "aria-label": take.title });
    if (take.width && take.height) el.style.setProperty("--cw-ratio", String(take.width / take.height));
    const loader = load(take, picture, fromKernel(kernel), life);
    below.hidden = false;
    below.replaceChildren(...describe(take, picture, loader));
    picture.set(take, loader);
    whenVisible(picture.el, loader, life);
  };
  el.addEventListener("keydown", (event) => picture.key(event));
  signal.addEventListener("abort", () => picture.clear());
  return { el, screen: picture, show };
}

/** A function that fetches the take once, however often it is called, and again after a failure. */
function load(
  take: TakeState,
  picture: Screen,
  source: Source,
  life: AbortSignal,
): () => Promise<string | null> {
  let url: Promise<string | null> | undefined;
  const fetchIt = async () => {
    try {
      picture.progress(0, take.size);
      const found = await source(take, (done) => picture.progress(done, take.size), life);
      if (life.aborted) {
        URL.revokeObjectURL(found);
        return null;
      }
      life.addEventListener("abort", () => URL.revokeObjectURL(found));
      picture.ready(found);
      return found;
    } catch (error) {
      url = undefined;
      if (!life.aborted) picture.fail((error as Error).message);
      return null;
    }
  };
  return () => {
    url ??= fetchIt();
    return url;
  };
}

function describe(take: TakeState, picture: Screen, loader: () => Promise<string | null>): HTMLElement[] {
  const number = take.take_number > 1 ? say("take", { n: take.take_number }) : "";
  const head = h(
    "div",
    { class: "cw-row" },
    h("b", { class: "cw-title", title: take.title }, take.title),
    h("span", { class: "cw-dim" }, number),
    picture.readout,
    h("span", { class: "cw-grow" }),
  );
  if (take.kind === "video") head.append(...controls(picture));
  head.append(saver(take, loader));
  const prompt = String(take.inputs.prompt ?? "");
  const words = h("p", { class: "cw-clamp", title: prompt, tabindex: 0 }, prompt);
  return prompt && prompt !== take.title ? [head, words, chips(take)] : [head, chips(take)];
}

function controls(picture: Screen): HTMLElement[] {
  let at = 0;
  const loop = button(
    "cw-quiet",
    () => {
      attach(loop, { "aria-pressed": String(picture.loop()) });
    },
    say("loop"),
  );
  attach(loop, { "aria-pressed": "true" });
  const speed = button(
    "cw-quiet cw-num",
    () => {
      at = (at + 1) % SPEEDS.length;
      const n = SPEEDS[at] ?? 1;
      picture.speed(n);
      put(speed, say("speed", { n }));
      attach(speed, { "aria-label": say("speed_label", { n }) });
    },
    say("speed", { n: 1 }),
  );
  attach(speed, { "aria-label": say("speed_label", { n: 1 }) });
  return [loop, speed];
}

function saver(take: TakeState, loader: () => Promise<string | null>): HTMLElement {
  const save = button(
    "cw-quiet",
    async () => {
      const href = await loader();
      if (href) h("a", { href, download: take.file }).click();
    },
    say("save"),
  );
  save.title = `${say("save_title", { file: take.file })}, ${bytes(take.size)}`;
  return save;
}
