import { afterEach, beforeEach, expect, test, vi } from "vitest";
import compare from "../src/compare";
import type { CompareState } from "../src/lib/wire";
import { FakeModel, FakeObserver, fakeUrls, settle, take } from "./fakes";

let el: HTMLElement;
let fake: FakeModel;
let cleanup: () => void;
let playing: Set<HTMLMediaElement>;

const SHORT = take({ id: "a.1", size: 3, seconds: 1, frames: 24, title: "shot-01" });
const LONG = take({ id: "b.1", size: 3, seconds: 2, frames: 48, title: "shot-02" });
const HURT = "<img src=x onerror=alert(1)>";

const told = (changes: Partial<CompareState> = {}): CompareState => ({
  seq: 0,
  takes: [SHORT, LONG],
  same: [["steps", "20", "20"]],
  each: [[["seed", "7", "7"]], [["prompt", "dawn", HURT]]],
  ...changes,
});

beforeEach(() => {
  FakeObserver.all = [];
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  fakeUrls();
  playing = new Set();
  const { prototype } = HTMLMediaElement;
  vi.spyOn(prototype, "readyState", "get").mockReturnValue(4);
  vi.spyOn(prototype, "paused", "get").mockImplementation(function (this: HTMLMediaElement) {
    return !playing.has(this);
  });
  vi.spyOn(prototype, "play").mockImplementation(function (this: HTMLMediaElement) {
    playing.add(this);
    return Promise.resolve();
  });
  vi.spyOn(prototype, "pause").mockImplementation(function (this: HTMLMediaElement) {
    playing.delete(this);
  });
  el = document.createElement("div");
  document.body.replaceChildren(el);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const all = <T extends HTMLElement>(selector: string) => [...el.querySelectorAll<T>(selector)];
const videos = () => all<HTMLVideoElement>("video");
const slider = () => all<HTMLInputElement>(".cw-place")[0] as HTMLInputElement;
const go = () => all<HTMLButtonElement>(".cw-go")[0] as HTMLButtonElement;
const named = (text: string) => all<HTMLButtonElement>("button").find((one) => one.textContent === text);
const soon = () => new Promise<void>((done) => requestAnimationFrame(() => done()));

async function show(state = told()): Promise<void> {
  fake = new FakeModel(state);
  cleanup = compare.render({ model: fake.model as never, el });
  FakeObserver.see();
  for (const question of fake.asked("piece")) await fake.answer(question, {}, [new ArrayBuffer(3)]);
}
async function arrive(): Promise<void> {
  for (const video of videos()) video.dispatchEvent(new Event("seeked"));
  await settle();
}

test("the bar is as long as the longest, a shorter one rests on its last frame", async () => {
  await show();
  expect(slider().max).toBe("47");
  slider().value = "40";
  slider().dispatchEvent(new Event("input"));
  await arrive();
  expect(videos().map((video) => video.currentTime)).toEqual([23.5 / 24, 40.5 / 24]);
  expect(slider().getAttribute("aria-valuetext")).toBe("1.7 / 2.0 s, frame 41");
  expect(all(".cw-over").map((over) => over.hidden)).toEqual([false, true]);
});

test("all play and pause together, and stand at one moment then", async () => {
  await show();
  go().click();
  await settle();
  expect([...playing]).toEqual(videos());
  expect(go().getAttribute("aria-label")).toBe("Pause");
  const [short, long] = videos() as [HTMLVideoElement, HTMLVideoElement];
  [short.currentTime, long.currentTime] = [0.52, 0.5];
  go().click();
  await arrive();
  expect(playing.size).toBe(0);
  expect(short.currentTime).toBe(0.5);
});

test("one that is ahead plays slower, one that is far off jumps", async () => {
  await show();
  go().click();
  await settle();
  const [short, long] = videos() as [HTMLVideoElement, HTMLVideoElement];
  [short.currentTime, long.currentTime] = [0.55, 0.5];
  await soon();
  expect(short.playbackRate).toBeCloseTo(0.8);
  expect(long.playbackRate).toBe(1);
  short.currentTime = 0.9;
  await soon();
  expect(short.currentTime).toBe(0.5);
  await soon();
  expect(short.playbackRate).toBe(1);
});

test("what has ended begins again with the others", async () => {
  await show();
  go().click();
  await settle();
  const [short, long] = videos() as [HTMLVideoElement, HTMLVideoElement];
  playing.delete(short);
  [short.currentTime, long.currentTime] = [1, 1.5];
  await soon();
  expect(playing.has(short)).toBe(false);
  long.currentTime = 2;
  playing.delete(long);
  long.dispatchEvent(new Event("ended"));
  await arrive();
  expect([...playing].sort()).toEqual(videos());
  expect([short.currentTime, long.currentTime]).toEqual([0, 0]);
});

test("without the loop it ends there", async () => {
  await show();
  named("Loop")?.click();
  go().click();
  await settle();
  const [, long] = videos() as [HTMLVideoElement, HTMLVideoElement];
  long.currentTime = 2;
  long.dispatchEvent(new Event("ended"));
  await arrive();
  expect(playing.size).toBe(0);
  expect(go().getAttribute("aria-label")).toBe("Play all in step");
});

test("while a moment is looked for, only the last one asked for is looked for next", async () => {
  await show();
  const asked: number[] = [];
  let seeking = false;
  vi.spyOn(HTMLMediaElement.prototype, "seeking", "get").mockImplementation(() => seeking);
  vi.spyOn(HTMLMediaElement.prototype, "currentTime", "set").mockImplementation((at) => asked.push(at));
  const drag = (frame: number) => {
    slider().value = String(frame);
    slider().dispatchEvent(new Event("input"));
  };
  drag(1);
  seeking = true;
  for (const frame of [2, 3, 4, 5]) drag(frame);
  seeking = false;
  await arrive();
  expect([...new Set(asked.map((at) => Math.floor(at * 24)))]).toEqual([1, 5]);
});

test("comma and full stop step all of them", async () => {
  await show();
  const press = async (key: string) => {
    el.querySelector(".cw-compare")?.dispatchEvent(new KeyboardEvent("keydown", { key }));
    await arrive();
  };
  await press(".");
  await press(".");
  expect(slider().value).toBe("2");
  await press(",");
  expect(videos().map((video) => Math.floor(video.currentTime * 24))).toEqual([1, 1]);
});

test("the speed holds for all", async () => {
  await show();
  named("1×")?.click();
  expect(videos().map((video) => video.playbackRate)).toEqual([0.5, 0.5]);
  // What is loaded, or loaded again, begins with the default.
  expect(videos().map((video) => video.defaultPlaybackRate)).toEqual([0.5, 0.5]);
});

test("however often it begins again, it looks once in a frame", async () => {
  await show();
  go().click();
  await settle();
  const [, long] = videos() as [HTMLVideoElement, HTMLVideoElement];
  for (let round = 0; round < 5; round++) {
    long.currentTime = 2;
    playing.delete(long);
    long.dispatchEvent(new Event("ended"));
    await arrive();
  }
  const frames = vi.spyOn(globalThis, "requestAnimationFrame");
  await soon();
  await soon();
  // Two are ours.
  expect(frames.mock.calls.length - 2).toBeLessThanOrEqual(2);
});

test("a sound that is longer than the picture is no later moment", async () => {
  await show();
  const [, long] = videos() as [HTMLVideoElement, HTMLVideoElement];
  go().click();
  await settle();
  long.currentTime = 2.6;
  await soon();
  expect(all(".cw-over").map((over) => over.hidden)).toEqual([false, true]);
  expect(slider().getAttribute("aria-valuetext")).toBe("2.0 / 2.0 s, frame 48");
});

test("one that this browser can't play holds up none of the others", async () => {
  await show();
  const [short, long] = videos() as [HTMLVideoElement, HTMLVideoElement];
  vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockImplementation(function (
    this: HTMLMediaElement,
  ) {
    return this === short ? 0 : 4;
  });
  go().click();
  await settle();
  expect(playing.size).toBe(0);
  short.dispatchEvent(new Event("error"));
  await settle();
  expect([...playing]).toEqual([long]);
  expect(all(".cw-note")[0]?.textContent).toContain("cannot be shown");
});

test("one is heard when it is asked for", async () => {
  await show();
  expect(videos().map((video) => video.muted)).toEqual([true, true]);
  named("Sound")?.click();
  expect(videos().map((video) => video.muted)).toEqual([false, true]);
});

test("two can be wiped, three cannot", async () => {
  await show();
  named("Wipe")?.click();
  const wiper = all<HTMLInputElement>(".cw-wiper")[0];
  expect(wiper?.hidden).toBe(false);
  expect(el.querySelector<HTMLElement>(".cw-compare")?.style.getPropertyValue("--cw-wipe")).toBe("50%");
  cleanup();
  await show(told({ takes: [SHORT, LONG, take({ id: "c.1" })], each: [[], [], []] }));
  expect(named("Wipe")).toBeUndefined();
});

test("what is equal is said once, what differs under each, all as text", async () => {
  await show();
  expect(all(".cw-same")[0]?.textContent).toBe("Same: steps 20");
  expect(all(".cw-caption").map((one) => one.querySelector(".cw-diff")?.textContent)).toEqual([
    "seed 7",
    "dawn",
  ]);
  expect(all(".cw-diff")[1]?.title).toBe(`prompt: ${HURT}`);
  expect(all(".cw-captions img")).toEqual([]);
});

test("one that cannot be had does not keep the others from playing", async () => {
  fake = new FakeModel(told());
  cleanup = compare.render({ model: fake.model as never, el });
  FakeObserver.see();
  vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockReturnValue(0);
  go().click();
  await settle();
  expect(playing.size).toBe(0);
  const [first, second] = fake.asked("piece");
  await fake.refuse(second, "The file b.mp4 is gone.");
  await fake.answer(first, {}, [new ArrayBuffer(3)]);
  vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockReturnValue(4);
  videos()[0]?.dispatchEvent(new Event("canplay"));
  await settle();
  expect([...playing]).toEqual([videos()[0]]);
});

test("it leaves nothing behind", async () => {
  await show();
  go().click();
  await settle();
  cleanup();
  expect(el.childElementCount).toBe(0);
  expect(fake.listening).toBe(0);
  expect(FakeObserver.all.some((one) => one.watching)).toBe(false);
});
