// The picture of a player: poster or preview, then the video or the image itself.
import { attach, button, h, put } from "./dom";
import { bytes, say } from "./say";
import type { TakeState } from "./wire";

export interface Screen {
  el: HTMLElement;
  /** Which frame is shown while the video stands still. */
  readout: HTMLElement;
  /** Begin with a take; `retry` fetches its bytes. */
  set(take: TakeState, retry: () => void): void;
  /** Say why there is no picture yet. */
  idle(sentence: string): void;
  /** A picture of the work in progress. */
  preview(url: string): void;
  progress(done: number, size: number): void;
  ready(url: string): void;
  fail(sentence: string): void;
  clear(): void;
  /** Turn looping on or off, and say which. */
  loop(): boolean;
  speed(rate: number): void;
  key(event: KeyboardEvent): void;
}

export function screen(): Screen {
  const video = h("video", { playsinline: true, loop: true, preload: "auto", hidden: true });
  const image = h("img", { alt: "", hidden: true });
  const fill = h("i");
  const bar = h("span", { class: "cw-load", role: "progressbar", hidden: true }, fill);
  const tag = h("span", { class: "cw-tag cw-num", hidden: true });
  const play = button("cw-play", () => start());
  const note = h("div", { class: "cw-note", role: "alert", hidden: true });
  const el = h("div", { class: "cw-screen" }, video, image, tag, bar, play, note);
  const readout = h("span", { class: "cw-dim cw-num" });
  let take: TakeState | undefined;
  let retry = () => {};
  let wanted = false;

  function start(): void {
    wanted = true;
    if (video.src)
      video.play().catch(() => {}); // refused by the browser: its own controls are there
    else retry();
  }
  function told(): void {
    const frame = take?.fps ? Math.floor(video.currentTime * take.fps + 0.01) : 0;
    const last = take?.frames ?? 0;
    put(
      readout,
      video.paused && wanted && last ? say("frame", { at: Math.min(frame + 1, last), of: last }) : "",
    );
  }
  function step(by: number): void {
    if (!video.src || !take?.fps) return;
    wanted = true;
    play.hidden = true;
    video.pause();
    const last = (take.frames ?? Math.round(video.duration * take.fps)) - 1;
    const frame = Math.floor(video.currentTime * take.fps + 0.01) + by;
    // The middle of a frame: its edges belong to either neighbour, by rounding.
    video.currentTime = (Math.min(last, Math.max(0, frame)) + 0.5) / take.fps;
  }
  function ended(): void {
    bar.hidden = true;
    tag.hidden = true;
  }
  function tell(sentence: string, again: boolean): void {
    ended();
    play.hidden = true;
    note.hidden = false;
    note.replaceChildren(h("span", {}, sentence));
    if (again)
      note.append(
        button(
          "",
          () => {
            note.hidden = true;
            retry();
          },
          say("try_again"),
        ),
      );
  }
  video.addEventListener("play", () => {
    play.hidden = true;
    told();
  });
  for (const name of ["pause", "seeked"]) video.addEventListener(name, told);
  video.addEventListener("error", () => {
    if (video.getAttribute("src")) tell(say("cannot_play"), false);
  });

  return {
    el,
    readout,
    set(next, again) {
      take = next;
      retry = again;
      wanted = false;
      note.hidden = true;
      const moving = next.kind === "video";
      video.removeAttribute("src");
      video.controls = false;
      video.hidden = !moving;
      attach(video, { poster: next.poster ?? (image.getAttribute("src") || null), "aria-label": next.title });
      attach(image, { hidden: moving, src: next.poster, alt: next.title });
      attach(play, { "aria-label": say("play", { title: next.title }) });
      play.hidden = !moving;
      if (!moving && next.kind !== "image") tell(say("cannot_show"), false);
    },
    idle(sentence) {
      tell(sentence, false);
    },
    preview(url) {
      attach(image, { src: url, hidden: false });
      play.hidden = true;
      tag.hidden = false;
      put(tag, say("preview"));
    },
    progress(done, size) {
      const part = size ? done / size : 1;
      bar.hidden = false;
      tag.hidden = false;
      fill.style.inlineSize = `${part * 100}%`;
      attach(bar, { "aria-valuenow": Math.floor(part * 100) });
      put(tag, say("of_size", { done: bytes(done), size: bytes(size) }));
    },
    ready(url) {
      ended();
      if (take?.kind === "image") image.src = url;
      if (take?.kind !== "video") return;
      video.src = url;
      video.controls = true;
      if (wanted) start();
    },
    fail: (sentence) => tell(sentence, true),
    clear() {
      video.pause();
      video.removeAttribute("src");
      video.load();
    },
    loop() {
      video.loop = !video.loop;
      return video.loop;
    },
    speed(rate) {
      video.playbackRate = rate;
      video.defaultPlaybackRate = rate;
    },
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "," || event.key === ".") step(event.key === "," ? -1 : 1);
    },
  };
}
