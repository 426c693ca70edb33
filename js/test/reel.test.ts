import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Kernel } from "../src/lib/kernel";
import { Player } from "../src/lib/player";
import { FakeModel, FakeObserver, fakeUrls, settle, take } from "./fakes";

let fake: FakeModel;
let life: AbortController;
let urls: ReturnType<typeof fakeUrls>;
let players: Player[];

beforeEach(() => {
  FakeObserver.all = [];
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  urls = fakeUrls();
  fake = new FakeModel();
  life = new AbortController();
  players = Array.from({ length: 6 }, (_, n) => {
    const player = new Player(new Kernel(fake.model, life.signal), life.signal);
    player.show(take({ id: `t${n}.1`, size: 3, poster: "data:,poster" }));
    return player;
  });
});
afterEach(() => {
  life.abort();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const video = (n: number) => players[n]?.el.querySelector("video") as HTMLVideoElement;
const held = () => players.map((_, n) => n).filter((n) => video(n).hasAttribute("src"));

async function see(n: number, seen = true): Promise<void> {
  FakeObserver.all[n]?.tell(seen);
  for (const question of fake.sent.splice(0)) await fake.answer(question, {}, [new ArrayBuffer(3)]);
  await settle();
}

async function pass(n: number): Promise<void> {
  await see(n);
  await see(n, false);
}

test("four videos are held at once; the one not seen for longest goes, its poster stays", async () => {
  for (const n of [0, 1, 2, 3]) await pass(n);
  await pass(0);
  await pass(4);
  expect(held()).toEqual([0, 2, 3, 4]);
  expect(urls.revoked).toEqual(["blob:2"]);
  expect(video(1).getAttribute("poster")).toBe("data:,poster");
  expect(video(1).controls).toBe(false);
  expect(players[1]?.el.querySelector<HTMLElement>(".cw-play")?.hidden).toBe(false);
});

test("what can be seen is held, however much that is, and nothing else then", async () => {
  await pass(5);
  for (const n of [0, 1, 2, 3, 4]) await see(n);
  expect(held()).toEqual([0, 1, 2, 3, 4]);
  expect(urls.revoked).toHaveLength(1);
});

test("those that are scrolled away are let go as soon as there are others enough", async () => {
  for (const n of [0, 1, 2, 3, 4, 5]) await see(n);
  for (const n of [0, 1, 2]) await see(n, false);
  expect(held()).toEqual([2, 3, 4, 5]);
});

test("what is saved while it can't be seen is kept for that", async () => {
  for (const n of [0, 1, 2, 3]) await see(n);
  const save = [...(players[5]?.el.querySelectorAll("button") ?? [])].find((b) => b.textContent === "Save");
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => {});
  save?.click();
  await fake.answer(fake.sent.at(-1), {}, [new ArrayBuffer(3)]);
  expect(held()).toContain(5);
});

test("a video that plays is not taken away", async () => {
  await pass(0);
  vi.spyOn(video(0), "paused", "get").mockReturnValue(false);
  for (const n of [1, 2, 3, 4]) await pass(n);
  expect(held()).toEqual([0, 2, 3, 4]);
});

test("one that was let go comes back where it was", async () => {
  await pass(0);
  video(0).currentTime = 2.5;
  for (const n of [1, 2, 3, 4]) await pass(n);
  expect(held()).not.toContain(0);
  await see(0);
  expect(held()).toContain(0);
  expect(video(0).currentTime).toBe(2.5);
});

test("one that was let go while it loads asks for no more, and begins again when it is seen", async () => {
  FakeObserver.all[0]?.tell(true);
  FakeObserver.all[0]?.tell(false);
  const [lost] = fake.sent.splice(0);
  for (const n of [1, 2, 3, 4]) await pass(n);
  await fake.answer(lost, {}, [new ArrayBuffer(3)]);
  expect(held()).toEqual([1, 2, 3, 4]);
  await see(0);
  expect(held()).toContain(0);
});

/** A player of what the server has, or not. */
async function fromServer(size = 3): Promise<string[]> {
  const asked: string[] = [];
  fake.widget_manager = { resolveUrl: async () => "/files/a.mp4" };
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return new Response("x", { status: 206, headers: { "Content-Range": `bytes 0-0/${size}` } });
  });
  players[0]?.show(take({ id: "x.1", size: 3, place: "a.mp4", poster: "data:,poster" }));
  FakeObserver.all.at(-1)?.tell(true);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  return asked;
}

test("what the server has is not asked of the kernel, nor when it comes back", async () => {
  const asked = await fromServer();
  await vi.waitFor(() => expect(video(0).getAttribute("src")).toBe("/files/a.mp4"));
  FakeObserver.all.at(-1)?.tell(false);
  for (const n of [1, 2, 3, 4]) await pass(n);
  expect(held()).not.toContain(0);
  fake.sent.splice(0);
  FakeObserver.all.at(-1)?.tell(true);
  await vi.waitFor(() => expect(video(0).getAttribute("src")).toBe("/files/a.mp4"));
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(fake.asked("piece")).toEqual([]);
});

test("what the server does not have is asked of the kernel", async () => {
  await fromServer(4);
  await vi.waitFor(() => expect(fake.asked("piece")).toHaveLength(1));
  await fake.answer(fake.asked("piece")[0], {}, [new ArrayBuffer(3)]);
  expect(video(0).getAttribute("src")).toMatch("blob:");
});

test("a video that fails from the server is fetched through the kernel", async () => {
  await fromServer();
  await vi.waitFor(() => expect(video(0).getAttribute("src")).toBe("/files/a.mp4"));
  video(0).dispatchEvent(new Event("error"));
  await settle();
  await fake.refuse(fake.asked("piece")[0], "The file a.mp4 is gone. Run the cell again.");
  expect(players[0]?.el.querySelector(".cw-note")?.textContent).toContain("is gone");
});
