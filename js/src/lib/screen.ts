// The picture of a player: poster or preview, then the video or the image itself.

import { attach, button, h, put } from "./dom";
import * as messages from "./messages.json";
import { bytes, say } from "./say";
import type { TakeState } from "./wire";

// Jupyter's server answers one thing at a time, and a video of its own disk within a tenth of a second.
const PICTURE_MS = 150;
const HAVE_CURRENT_DATA = 2; // HTMLMediaElement's

export class Screen {
  readonly el: HTMLElement;
  readonly video = h("video", { playsinline: true, loop: true, preload: "auto" });
  /** Asked when the video fails: whether it is fetched another way. */
  retry = () => false;

  readonly #image = h("img", { alt: "", hidden: true });
  readonly #fill = h("i");
  readonly #bar = h("span", { class: "cw-load", role: "progressbar" }, this.#fill);
  readonly #tag = h("span", { class: "cw-tag cw-num" });
  /** Which frame is shown while the video stands still. */
  readonly #at = h("span", { class: "cw-tag cw-at cw-num" });
  readonly #play = button("cw-play", () => this.#start());
  readonly #note = h("div", { class: "cw-note", role: "status" });
  readonly #shape: (ratio: number) => void;
  readonly #bare: boolean;
  #take: TakeState | undefined;
  #load = () => {};
  #wanted = false;
  #rested = 0;
  #poster: string | null = null;
  #ready = false;

  /**
   * `shape` is told the picture's width by its height, as soon as that is known. A bare screen has no controls of its
   * own: others move it.
   */
  constructor(shape: (ratio: number) => void, bare = false) {
    this.#shape = shape;
    this.#bare = bare;
    this.el = h(
      "div",
      { class: "cw-screen" },
      this.video,
      this.#image,
      this.#tag,
      this.#at,
      this.#bar,
      this.#play,
      this.#note,
    );
    this.clear();
    const on = (name: string, heard: () => void) => this.video.addEventListener(name, heard);
    on("play", () => {
      this.#begun();
      this.#tellFrame();
    });
    on("pause", () => this.#tellFrame());
    on("seeked", () => this.#tellFrame());
    // Only now: Chromium takes as long to make its controls as to show the first picture.
    on("loadeddata", () => {
      this.video.controls = !bare;
    });
    on("error", () => {
      // Taking the source away is an "error" too.
      if (this.video.getAttribute("src") && !this.retry()) this.tell(messages.cannot_play);
    });
    this.#image.addEventListener("load", () => {
      const { naturalWidth, naturalHeight } = this.#image;
      if (!this.#take && naturalHeight) shape(naturalWidth / naturalHeight);
    });
  }

  get playing(): boolean {
    return !this.video.paused && !this.video.ended;
  }

  /** Begin with a take; `load` fetches its bytes. */
  set(take: TakeState, load: () => void): void {
    const moving = take.kind === "video";
    // What was there stays until the take's own picture has come.
    const before = this.#image.getAttribute("src");
    this.clear();
    this.#take = take;
    this.#poster = null;
    if (take.width && take.height) this.#shape(take.width / take.height);
    this.#load = load;
    this.#wanted = false;
    this.#rested = 0;
    attach(this.video, {
      hidden: !moving,
      poster: before,
      "aria-label": say(messages.screen, { title: take.title }),
    });
    attach(this.#image, { hidden: moving, src: before, alt: take.title });
    attach(this.#play, {
      hidden: this.#bare || !moving,
      "aria-label": say(messages.play, { title: take.title }),
    });
    if (!moving && take.kind !== "image") this.tell(messages.cannot_play);
  }

  /** The take's small picture, which is shown until there is more. */
  poster(url: string): void {
    this.#poster = url;
    // A poster would cover the frame that is there.
    if (this.video.readyState < HAVE_CURRENT_DATA) attach(this.video, { poster: url });
    if (!this.#ready) this.#image.src = url;
  }

  /** Say why there is no picture. */
  tell(sentence: string): void {
    this.#bar.hidden = this.#tag.hidden = this.#play.hidden = true;
    this.#note.hidden = false;
    this.#note.replaceChildren(h("span", {}, sentence));
  }

  /** Show a picture of the work in progress. */
  preview(url: string): void {
    this.clear();
    this.#take = undefined;
    attach(this.#image, { src: url, hidden: false });
    this.#tag.hidden = false;
    put(this.#tag, messages.preview);
  }

  progress(done: number, size: number): void {
    const part = size ? done / size : 1;
    this.#bar.hidden = this.#tag.hidden = false;
    this.#note.hidden = true;
    this.#fill.style.inlineSize = `${part * 100}%`;
    const text = say(messages.of_size, { done: bytes(done), size: bytes(size) });
    attach(this.#bar, { "aria-valuenow": Math.floor(part * 100), "aria-label": text });
    put(this.#tag, text);
  }

  /** Say that the bytes are waited for. */
  late(late: boolean): void {
    if (this.#bar.hidden) return;
    attach(this.#tag, { title: late ? messages.wait_kernel_hint : null });
    if (late) put(this.#tag, messages.wait_kernel);
  }

  /** Done when a video has its first picture, or is slow to have one: whatever else is asked for makes it slower. */
  pictured(): Promise<unknown> {
    return new Promise((done) => {
      this.video.addEventListener("loadeddata", done, { once: true });
      setTimeout(done, PICTURE_MS);
    });
  }

  /** Show what is there now; done as `pictured`. */
  ready(url: string): Promise<unknown> {
    this.#ready = true;
    this.#bar.hidden = this.#tag.hidden = true;
    if (this.#take?.kind === "image") this.#image.src = url;
    if (this.#take?.kind === "video" && this.video.getAttribute("src") !== url) {
      this.video.src = url;
      if (this.#rested) this.video.currentTime = this.#rested;
      if (this.#wanted && !this.#bare) this.#start();
    }
    return this.pictured();
  }

  /** Hold the bytes no more; the poster stays, and where it was. */
  rest(): void {
    const { currentTime } = this.video;
    const hidden = this.#bare || this.#take?.kind !== "video";
    this.#unload();
    this.#rested = currentTime;
    this.#wanted = false;
    this.#bar.hidden = this.#tag.hidden = true;
    this.#play.hidden = hidden;
    if (this.#poster) this.poster(this.#poster);
  }

  /** Say what went wrong, and offer to try again. */
  fail(sentence: string): void {
    this.tell(sentence);
    this.#note.append(button("", () => this.#load(), messages.try_again));
  }

  clear(): void {
    for (const part of [this.#note, this.#tag, this.#bar, this.#play, this.video]) part.hidden = true;
    this.#unload();
  }

  #unload(): void {
    this.#ready = false;
    this.#at.hidden = true;
    this.video.controls = false;
    if (!this.video.getAttribute("src")) return;
    this.video.removeAttribute("src");
    this.video.load(); // lets the decoder go
  }

  /** Comma and full stop step by a frame, m mutes, f fills the screen. */
  key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || this.video.hidden) return;
    if (event.key === "," || event.key === ".") this.#step(event.key === "," ? -1 : 1);
    else if (event.key === "m") this.video.muted = !this.video.muted;
    else if (event.key === "f") this.#whole();
  }

  #start(): void {
    this.#wanted = true;
    // A browser may refuse to play by itself: its own controls are there then.
    if (this.video.getAttribute("src")) this.video.play().catch(() => {});
    else this.#load();
  }

  #begun(): void {
    this.#wanted = true;
    // Else the keys would have nobody: the focus goes with what vanishes.
    if (this.#play.matches(":focus")) this.video.focus();
    this.#play.hidden = true;
  }

  #whole(): void {
    // Refused where a page that embeds this one forbids it.
    if (document.fullscreenElement) document.exitFullscreen();
    else this.video.requestFullscreen().catch(() => {});
  }

  #step(by: number): void {
    const video = this.video;
    const fps = this.#take?.fps;
    if (!video.getAttribute("src") || !fps) return;
    this.#begun();
    video.pause();
    const last = (this.#take?.frames ?? Math.round(video.duration * fps)) - 1;
    const frame = Math.min(last, Math.max(0, this.#frame(fps) + by));
    // The middle of a frame: its edges belong to either neighbour, by rounding.
    video.currentTime = (frame + 0.5) / fps;
  }

  #frame(fps: number): number {
    return Math.floor(this.video.currentTime * fps + 0.01);
  }

  #tellFrame(): void {
    const of = this.#take?.frames ?? 0;
    const fps = this.#take?.fps ?? 0;
    this.#at.hidden = !fps || !of || !this.video.paused || !this.#wanted || this.#bare;
    put(this.#at, say(messages.frame, { at: Math.min(this.#frame(fps) + 1, of), of }));
  }
}
