import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Kernel } from "../src/lib/kernel";
import { Player } from "../src/lib/player";
import { FakeModel, FakeObserver, fakeUrls, settle, take } from "./fakes";

let fake: FakeModel;
let life: AbortController;
let player: Player;
let urls: ReturnType<typeof fakeUrls>;

beforeEach(() => {
  FakeObserver.all = [];
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  urls = fakeUrls();
  fake = new FakeModel();
  life = new AbortController();
  player = new Player(new Kernel(fake.model, life.signal), life.signal);
  document.body.replaceChildren(player.el);
});
afterEach(() => {
  life.abort();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const find = <T extends HTMLElement>(selector: string) => player.el.querySelector<T>(selector) as T;
const video = () => find<HTMLVideoElement>("video");
const named = (text: string) =>
  [...player.el.querySelectorAll("button")].find(
    (button) => button.textContent === text,
  ) as HTMLButtonElement;

async function answerAll(): Promise<void> {
  for (let at = 0; at < fake.sent.length; at++)
    await fake.answer(fake.sent[at], {}, [new Uint8Array([at]).buffer]);
}
async function load(changes = {}): Promise<void> {
  player.show(take(changes));
  FakeObserver.see();
  await answerAll();
}

test("the poster comes first, the bytes only when it can be seen", async () => {
  player.show(take({ poster: "data:image/jpeg;base64,xx" }));
  await settle();
  expect(video().getAttribute("poster")).toBe("data:image/jpeg;base64,xx");
  FakeObserver.see(false);
  expect(fake.sent).toEqual([]);
  FakeObserver.see();
  expect(fake.asked("piece").map(({ take: id, offset }) => [id, offset])).toEqual([
    ["9f3a.1", 0],
    ["9f3a.1", 1_000_000],
    ["9f3a.1", 2_000_000],
  ]);
});

test("at most four pieces are under way, and they are joined in their order", async () => {
  player.show(take({ size: 6_000_000 }));
  FakeObserver.see();
  expect(fake.sent).toHaveLength(4);
  await fake.answer(fake.sent[2], {}, [new Uint8Array([2]).buffer]);
  expect(fake.sent).toHaveLength(5);
  for (const at of [4, 1, 0, 3]) await fake.answer(fake.sent[at], {}, [new Uint8Array([at]).buffer]);
  await fake.answer(fake.sent[5], {}, [new Uint8Array([5]).buffer]);
  expect(new Uint8Array((await urls.made[0]?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(
    new Uint8Array([0, 1, 2, 3, 4, 5]),
  );
  expect(urls.made[0]?.type).toBe("video/mp4");
});

test("progress is told in bytes, and gone when all is there", async () => {
  player.show(take());
  FakeObserver.see();
  await fake.answer(fake.sent[0], {}, [new ArrayBuffer(1_000_000)]);
  expect(find(".cw-tag").textContent).toBe("1.0 MB of 2.5 MB");
  expect(find(".cw-load").getAttribute("aria-valuenow")).toBe("40");
  await fake.answer(fake.sent[1], {}, [new ArrayBuffer(1_000_000)]);
  await fake.answer(fake.sent[2], {}, [new ArrayBuffer(500_000)]);
  expect(find(".cw-load").hidden).toBe(true);
  expect(video().getAttribute("src")).toBe("blob:1");
  expect(video().controls).toBe(false);
  video().dispatchEvent(new Event("loadeddata"));
  expect(video().controls).toBe(true);
});

test("what stands in sight and lies on the server does not wait for the observer", async () => {
  vi.useFakeTimers();
  const shown = async (top: number, bottom: number, place: string | null = "a.mp4") => {
    vi.spyOn(find(".cw-screen"), "getBoundingClientRect").mockReturnValue({ top, bottom } as DOMRect);
    player.show(take({ id: `${top}.1`, place }));
    await vi.advanceTimersByTimeAsync(1);
    return video().getAttribute("src");
  };
  expect(await shown(-300, -1)).toBe(null);
  expect(await shown(innerHeight, innerHeight + 300)).toBe(null);
  expect(await shown(innerHeight - 2, innerHeight + 298, null)).toBe(null);
  expect(fake.asked("piece")).toEqual([]);
  expect(await shown(innerHeight - 1, innerHeight + 299)).toBe("a.mp4");
  vi.useRealTimers();
});

test.each([
  ["has its first picture", 20, () => video().dispatchEvent(new Event("loadeddata"))],
  ["is slow to have one", 149, () => {}],
])("what else is asked of Jupyter's server waits until the video %s", async (_, wait, happens) => {
  const asked = vi.fn(async (_url: string) => new Response("x"));
  vi.stubGlobal("fetch", asked);
  vi.useFakeTimers();
  vi.spyOn(find(".cw-screen"), "getBoundingClientRect").mockReturnValue({ top: 0, bottom: 300 } as DOMRect);
  player.show(take({ place: "a.mp4", poster: "a.jpg" }));
  await vi.advanceTimersByTimeAsync(wait);
  expect(video().getAttribute("src")).toBe("a.mp4");
  expect(asked).not.toHaveBeenCalled();
  happens();
  await vi.advanceTimersByTimeAsync(1);
  expect(asked.mock.calls.map(([url]) => url).sort()).toEqual(["a.jpg", "a.mp4"]);
  vi.useRealTimers();
});

test("one refused piece ends the others, says why, and can be tried again", async () => {
  player.show(take({ size: 9_000_000 }));
  FakeObserver.see();
  await fake.refuse(fake.sent[1], "The file a.mp4 is gone. Run the cell again.");
  expect(find(".cw-note").textContent).toContain("The file a.mp4 is gone. Run the cell again.");
  await fake.answer(fake.sent[0], {}, [new ArrayBuffer(1)]);
  expect(fake.sent).toHaveLength(4);
  named("Try again").click();
  expect(fake.sent).toHaveLength(8);
  expect(find(".cw-note").hidden).toBe(true);
});

test("what came in the end is not covered by what went wrong before", async () => {
  player.show(take({ size: 1 }));
  FakeObserver.see();
  await fake.refuse(fake.sent[0], "The file a.mp4 is gone. Run the cell again.");
  expect(find(".cw-note").hidden).toBe(false);
  FakeObserver.see(false);
  FakeObserver.see();
  await fake.answer(fake.sent[1], {}, [new ArrayBuffer(1)]);
  expect(video().getAttribute("src")).toBe("blob:1");
  expect(find(".cw-note").hidden).toBe(true);
});

test("a poster that comes late does not cover the frame that is there, and stands there when that is let go", async () => {
  let answer = (_: Response) => {};
  vi.stubGlobal("fetch", (url: string) =>
    url === "a.jpg" ? new Promise((done) => (answer = done)) : Promise.reject(),
  );
  player.show(take({ poster: "a.jpg" }));
  vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockReturnValue(2);
  await settle();
  answer(new Response("x"));
  await vi.waitFor(() => expect(urls.made).toHaveLength(1));
  await settle();
  expect(video().hasAttribute("poster")).toBe(false);
  vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockReturnValue(0);
  player.screen.rest();
  expect(video().getAttribute("poster")).toBe("blob:1");
});

test("the keys go on at the video when the button that was pressed vanishes", async () => {
  document.body.replaceChildren(player.el);
  await load();
  video().tabIndex = 0; // as its controls make it in a browser
  find(".cw-play").focus();
  video().dispatchEvent(new Event("play"));
  expect(find(".cw-play").hidden).toBe(true);
  expect(document.activeElement).toBe(video());
});

test("an image is not shown before it is known to be there", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  player.show(take({ kind: "image", media_type: "image/png", place: "a.png", size: 1 }));
  FakeObserver.see();
  await vi.waitFor(() => expect(fake.asked("piece")).toHaveLength(1));
  expect(find<HTMLImageElement>("img").hasAttribute("src")).toBe(false);
});

test("a view that goes asks for no more and lets its bytes go", async () => {
  await load();
  life.abort();
  expect(urls.revoked).toEqual(["blob:1"]);
  expect(video().hasAttribute("src")).toBe(false);
});

test("a view that goes while loading stays silent", async () => {
  player.show(take({ size: 9_000_000 }));
  FakeObserver.see();
  life.abort();
  await settle();
  expect(find(".cw-note").hidden).toBe(true);
  expect(fake.sent).toHaveLength(4);
  expect(urls.made).toEqual([]);
});

test("another take replaces the first and lets it go; the same one changes nothing", async () => {
  await load();
  player.show(take());
  expect(urls.revoked).toEqual([]);
  player.show(take({ id: "9f3a.2", take_number: 2 }));
  expect(urls.revoked).toEqual(["blob:1"]);
  expect(find(".cw-row").textContent).toContain("take 2");
});

test("play before the bytes are there plays when they are", async () => {
  const play = vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  player.show(take());
  find<HTMLButtonElement>(".cw-play").click();
  expect(fake.asked("piece")).toHaveLength(3);
  expect(play).not.toHaveBeenCalled();
  await answerAll();
  expect(play).toHaveBeenCalledOnce();
});

test("comma and full stop step by a frame, within the take", async () => {
  await load();
  const press = (key: string, more = {}) =>
    player.el.dispatchEvent(new KeyboardEvent("keydown", { key, ...more }));
  const frame = () => Math.floor(video().currentTime * 24);
  press(",");
  expect(frame()).toBe(0);
  press(".");
  press(".");
  expect(frame()).toBe(2);
  press(".", { ctrlKey: true });
  expect(frame()).toBe(2);
  press(",");
  expect(frame()).toBe(1);
  video().currentTime = 119.5 / 24;
  press(".");
  expect(frame()).toBe(119);
});

test("loop and speed say what they are set to", async () => {
  await load();
  expect(named("Loop").getAttribute("aria-pressed")).toBe("true");
  named("Loop").click();
  expect(named("Loop").getAttribute("aria-pressed")).toBe("false");
  expect(video().loop).toBe(false);
  named("1×").click();
  expect(video().playbackRate).toBe(0.5);
  expect(named("0.5×").getAttribute("aria-label")).toBe("Speed 0.5×");
});

test("save fetches what is missing and keeps the file's name", async () => {
  const clicked: HTMLAnchorElement[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    clicked.push(this);
  });
  player.show(take());
  named("Save").click();
  await answerAll();
  expect(clicked.map((a) => [a.href, a.download])).toEqual([
    ["blob:1", "scene-001_shot-01_9f3ac21b04de.mp4"],
  ]);
});

test("an image is shown as one, without a video's buttons", async () => {
  await load({ kind: "image", media_type: "image/png", size: 10, poster: "data:," });
  expect(video().hidden).toBe(true);
  expect(find<HTMLImageElement>("img").getAttribute("src")).toBe("blob:1");
  expect(named("Loop")).toBeUndefined();
});

test("of a job's several files one is on the screen, the others are a choice away", async () => {
  const own = { kind: "image", media_type: "image/png", size: 10, place: null, poster: null };
  const still = { ...take(own), id: "9f3a.1.o1", file: "shot-01.o1.png", width: 640, height: 480 };
  await load({ size: 10, poster: "data:,", also: [still] });
  const field = find<HTMLSelectElement>("select");
  expect(field.hidden).toBe(false);
  expect([...field.options].map(({ text }) => text)).toEqual(["1: video", "2: image"]);
  field.selectedIndex = 1;
  field.dispatchEvent(new Event("input"));
  FakeObserver.see();
  expect(fake.asked("piece").at(-1)).toMatchObject({ take: "9f3a.1.o1" });
  await fake.answer(fake.asked("piece").at(-1), {}, [new ArrayBuffer(10)]);
  expect(find("img").getAttribute("src")).toBe("blob:2");
  expect(video().hidden).toBe(true);
  expect(named("Loop")).toBeUndefined();
  expect(named("Save").title).toBe("shot-01.o1.png, 1 kB");
  expect(find(".cw-chips").textContent).toContain("640×480");
  field.selectedIndex = 0;
  field.dispatchEvent(new Event("input"));
  expect(video().hidden).toBe(false);
});

test("a job's only file is no choice", async () => {
  await load();
  expect(find<HTMLSelectElement>("select").hidden).toBe(true);
});

test("what cannot be shown can be saved", () => {
  player.show(take({ kind: "other", media_type: "application/zip" }));
  FakeObserver.see();
  expect(fake.sent).toEqual([]);
  expect(find(".cw-note").textContent).toContain("Save it");
  expect(named("Save")).toBeDefined();
});

test("a file that the browser cannot play says what to do", async () => {
  await load();
  video().dispatchEvent(new Event("error"));
  expect(find(".cw-note").textContent).toContain("Save it");
});

test("a silent kernel is named on the picture", async () => {
  vi.useFakeTimers();
  player.show(take());
  FakeObserver.see();
  vi.advanceTimersByTime(2000);
  expect(find(".cw-tag").textContent).toBe("Waiting for the kernel");
  await fake.answer(fake.sent[0], {}, [new ArrayBuffer(1_000_000)]);
  expect(find(".cw-tag").textContent).toBe("1.0 MB of 2.5 MB");
  vi.useRealTimers();
});

test("m mutes and f fills the screen", async () => {
  await load();
  const whole = vi.fn(() => Promise.resolve());
  video().requestFullscreen = whole;
  const press = (key: string) => player.el.dispatchEvent(new KeyboardEvent("keydown", { key }));
  press("m");
  expect(video().muted).toBe(true);
  press("m");
  expect(video().muted).toBe(false);
  press("f");
  expect(whole).toHaveBeenCalledOnce();
});

test("the graph is asked for by who wants to see it, and is text", async () => {
  player.show(take());
  const graph = find(".cw-graph");
  expect(graph.hidden).toBe(true);
  named("Graph").click();
  expect(named("Graph").getAttribute("aria-expanded")).toBe("true");
  expect(fake.asked("graph").map(({ take }) => take)).toEqual(["9f3a.1"]);
  const inputs = [
    ["seed", "7"],
    ["model", "← 4"],
    ["text", "<img src=x onerror=alert(1)>"],
  ];
  const nodes = [
    ["3", "KSampler", "KSampler", inputs],
    ["4", "<b>Model</b>", "UNETLoader", []],
  ];
  await fake.answer(fake.asked("graph")[0], { graph: nodes });
  expect(graph.textContent).toContain("seed 7");
  expect(graph.textContent).toContain("model ← 4");
  expect(graph.querySelector("img")).toBeNull();
  expect(graph.textContent).toContain("<b>Model</b>");
  named("Graph").click();
  named("Graph").click();
  expect(graph.hidden).toBe(false);
  expect(fake.asked("graph")).toHaveLength(1);
});

test("a graph that nobody answers for says what to do", async () => {
  vi.useFakeTimers();
  player.show(take());
  named("Graph").click();
  vi.advanceTimersByTime(2000);
  expect(find(".cw-graph").textContent).toContain("run the cell again");
  await fake.answer(fake.asked("graph")[0], { graph: [["3", "KSampler", "KSampler", []]] });
  expect(find(".cw-graph").textContent).toContain("KSampler");
  vi.useRealTimers();
});

test("a graph that cannot be had says why, and is asked for again", async () => {
  player.show(take());
  named("Graph").click();
  await fake.refuse(fake.asked("graph")[0], "This take is not shown here any more.");
  expect(find(".cw-graph").textContent).toContain("not shown here");
  named("Graph").click();
  named("Graph").click();
  expect(fake.asked("graph")).toHaveLength(2);
});

test("prompts are text", () => {
  player.show(take({ inputs: { prompt: "<img src=x onerror=alert(1)>", "<b>": "<i>" } }));
  expect(player.el.querySelectorAll(".cw-below :is(img, i)")).toHaveLength(0);
  expect(find(".cw-clamp").textContent).toBe("<img src=x onerror=alert(1)>");
});
