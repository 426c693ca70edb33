// The chosen takes of all shots as one film: two videos take turns, so that the next is there when one ends.
import { attach, button, h, put } from "../lib/dom";
import type { Kernel } from "../lib/kernel";
import * as messages from "../lib/messages.json";
import { sourceOf } from "../lib/pull";
import { clock, say } from "../lib/say";
import type { TakeState } from "../lib/wire";

/** Of a film below this many seconds the tenths matter. */
const SHORT = 90;

interface Part {
  take: TakeState & { shot: string };
  from: number;
  seconds: number;
}

/** One of the two videos, and what it holds. */
interface Screen {
  video: HTMLVideoElement;
  at: number;
  url: string;
  life: AbortController;
}

export class Film {
  readonly el: HTMLElement;
  readonly #kernel: Kernel;
  readonly #signal: AbortSignal;
  readonly #screens: [Screen, Screen];
  readonly #note = h("div", { class: "cw-note", role: "status", hidden: true });
  readonly #tag = h("span", { class: "cw-tag cw-scene" });
  readonly #shots = h("div", { class: "cw-shots", "aria-hidden": "true" });
  readonly #place = h("input", { type: "range", class: "cw-place", min: 0, step: 0.01, value: 0 });
  readonly #go = button("cw-go", () => this.toggle());
  readonly #readout = h("span", { class: "cw-dim cw-num" });
  #parts: Part[] = [];
  #key = "";
  #playing = false;
  #on = 0;

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#kernel = kernel;
    this.#signal = signal;
    this.#screens = [screen(), screen()];
    for (const one of this.#screens) this.#listen(one);
    const close = button("cw-quiet", () => this.close(), messages.close);
    attach(this.#place, { "aria-label": messages.film_place });
    this.#place.addEventListener("input", () => this.seek(Number(this.#place.value)));
    const videos = this.#screens.map(({ video }) => video);
    const picture = h("div", { class: "cw-film-screen" }, ...videos, this.#tag, this.#note);
    picture.addEventListener("click", () => this.toggle());
    const scrub = h("div", { class: "cw-scrub" }, this.#shots, this.#place);
    const row = h(
      "div",
      { class: "cw-row" },
      this.#go,
      this.#readout,
      h("span", { class: "cw-grow" }),
      close,
    );
    this.el = h(
      "div",
      { class: "cw-film", role: "group", "aria-label": messages.film, hidden: true },
      picture,
      scrub,
      row,
    );
    this.el.addEventListener("keydown", (event) => this.#press(event));
    signal.addEventListener("abort", () => this.#letGo());
  }

  get seconds(): number {
    const last = this.#parts.at(-1);
    return last ? last.from + last.seconds : 0;
  }

  get at(): number {
    const part = this.#parts[this.#front.at];
    return part ? part.from + Math.min(this.#front.video.currentTime, part.seconds) : 0;
  }

  /** Show the film that these takes make, from a shot on; `key` says which takes they are. */
  async open(key: string, shot?: string): Promise<void> {
    this.el.hidden = false;
    // Before anything is waited for: the next key is the film's already.
    this.#go.focus({ preventScroll: true });
    await this.#fetch(key);
    const part = this.#parts.find(({ take }) => take.shot === shot);
    this.seek(part?.from ?? 0);
    this.#play();
    this.el.scrollIntoView({ block: "nearest" });
  }

  /** Other takes are chosen: go on with those, at the same place. */
  async refresh(key: string): Promise<void> {
    if (this.el.hidden || key === this.#key) return;
    const { at } = this;
    await this.#fetch(key);
    this.seek(at);
  }

  toggle(): void {
    if (this.#playing) this.#pause();
    else {
      if (this.at >= this.seconds - 0.05) this.seek(0);
      this.#play();
    }
  }

  close(): void {
    this.#pause();
    this.#letGo();
    this.#key = "";
    this.el.hidden = true;
  }

  seek(to: number): void {
    const at = Math.min(Math.max(0, to), Math.max(0, this.seconds - 0.01));
    const index = Math.max(0, this.#parts.filter(({ from }) => from <= at).length - 1);
    const part = this.#parts[index];
    if (!part) return;
    this.#turn(index, at - part.from);
    this.#tell();
  }

  get #front(): Screen {
    return this.#screens[this.#on] as Screen;
  }

  async #fetch(key: string): Promise<void> {
    if (key === this.#key) return;
    try {
      const [answer] = await this.#kernel.read("film", {}, this.#signal);
      this.#letGo();
      this.#key = key;
      let from = 0;
      this.#parts = (answer.film as Part["take"][]).map((take) => {
        const part = { take, from, seconds: take.seconds ?? 0 };
        from += part.seconds;
        return part;
      });
      attach(this.#place, { max: this.seconds.toFixed(2) });
      this.#shots.replaceChildren(...this.#parts.map(({ take, seconds }) => label(take.shot, seconds)));
      this.#note.hidden = true;
    } catch (error) {
      if (!this.#signal.aborted) this.#say((error as Error).message);
    }
  }

  #listen(one: Screen): void {
    const { video } = one;
    const on = (name: string, heard: () => void) =>
      video.addEventListener(name, () => one === this.#front && heard(), { signal: this.#signal });
    on("timeupdate", () => this.#tell());
    on("seeked", () => this.#tell());
    on("ended", () => this.#next());
    on("error", () => video.getAttribute("src") && this.#say(messages.cannot_play));
  }

  /** Let a part be in front, from a moment in it on. */
  #turn(index: number, moment: number): void {
    const other = 1 - this.#on;
    if (this.#front.at !== index && this.#screens[other]?.at === index) {
      this.#front.video.pause();
      this.#on = other;
    } else if (this.#front.at !== index) this.#load(this.#front, index);
    const { video } = this.#front;
    if (video.readyState) video.currentTime = moment;
    else video.addEventListener("loadedmetadata", () => (video.currentTime = moment), { once: true });
    for (const one of this.#screens) one.video.hidden = one !== this.#front;
    put(this.#tag, this.#parts[index]?.take.shot ?? "");
    if (this.#playing) video.play().catch(() => {});
    const next = this.#screens[1 - this.#on] as Screen;
    if (index + 1 < this.#parts.length && next.at !== index + 1) this.#load(next, index + 1);
  }

  #next(): void {
    const index = this.#front.at + 1;
    if (index < this.#parts.length) this.#turn(index, 0);
    else this.#pause();
    this.#tell();
  }

  async #load(one: Screen, index: number): Promise<void> {
    empty(one);
    one.at = index;
    const { take } = this.#parts[index] as Part;
    const signal = AbortSignal.any([one.life.signal, this.#signal]);
    try {
      const url = await sourceOf(this.#kernel)(take, () => {}, signal);
      signal.throwIfAborted();
      one.url = url;
      one.video.src = url;
      this.#note.hidden = true;
      if (one === this.#front && this.#playing) one.video.play().catch(() => {});
    } catch (error) {
      if (!signal.aborted && one === this.#front) this.#say((error as Error).message);
    }
  }

  #play(): void {
    this.#playing = this.#parts.length > 0;
    if (this.#playing) this.#front.video.play().catch(() => {});
    this.#tell();
  }

  #pause(): void {
    this.#playing = false;
    for (const { video } of this.#screens) video.pause();
    this.#tell();
  }

  #press(event: KeyboardEvent): void {
    const inside = event.target === this.#place;
    if (event.key === " " && (event.target as Element).tagName !== "BUTTON") this.toggle();
    else if (event.key === "Escape") this.close();
    else if (!inside && (event.key === "ArrowLeft" || event.key === "ArrowRight"))
      this.seek(this.at + (event.key === "ArrowLeft" ? -1 : 1));
    else return;
    event.preventDefault();
  }

  #letGo(): void {
    for (const one of this.#screens) empty(one);
    this.#parts = [];
  }

  #say(sentence: string): void {
    this.#note.hidden = false;
    put(this.#note, sentence);
    this.#playing = false;
  }

  #tell(): void {
    const short = this.seconds < SHORT;
    const told = (seconds: number) => (short ? seconds.toFixed(1) : clock(seconds));
    const of = short ? say(messages.seconds, { n: told(this.seconds) }) : told(this.seconds);
    const text = say(messages.film_at, { at: told(this.at), of });
    put(this.#readout, text);
    this.#place.value = String(this.at);
    attach(this.#place, { "aria-valuetext": text });
    attach(this.#go, {
      "aria-label": this.#playing ? messages.pause : messages.play_film,
      "data-playing": this.#playing,
    });
    Array.from(this.#shots.children).forEach((one, at) => {
      attach(one, { "data-on": at === this.#front.at });
    });
  }
}

function screen(): Screen {
  const video = h("video", { playsinline: true, preload: "auto", "aria-label": messages.film });
  return { video, at: -1, url: "", life: new AbortController() };
}

function empty(one: Screen): void {
  one.life.abort();
  one.life = new AbortController();
  one.at = -1;
  if (one.url.startsWith("blob:")) URL.revokeObjectURL(one.url);
  one.url = "";
  if (!one.video.getAttribute("src")) return;
  one.video.removeAttribute("src");
  one.video.load(); // lets the decoder go
}

function label(shot: string, seconds: number): HTMLElement {
  const one = h("span", { title: shot }, shot);
  // In milliseconds: shares that are less than one in all would leave a rest.
  one.style.flexGrow = String(Math.max(1, Math.round(seconds * 1000)));
  return one;
}
