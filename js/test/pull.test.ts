import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Kernel } from "../src/lib/kernel";
import { type Source, sourceOf } from "../src/lib/pull";
import { FakeModel, fakeUrls, settle, take } from "./fakes";

const PLACE = "takes/a.mp4";
const URL_ = "/files/notes/takes/a.mp4";

let fake: FakeModel;
let life: AbortController;
let source: Source;
let early: string[];
let answers: () => Promise<Response>;
let asked: [string, RequestInit][];

beforeEach(() => {
  fakeUrls();
  fake = new FakeModel();
  fake.widget_manager = { resolveUrl: async (path: string) => `/files/notes/${path}` };
  life = new AbortController();
  early = [];
  source = sourceOf(new Kernel(fake.model, life.signal), (url) => early.push(url));
  asked = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    asked.push([url, init]);
    return answers();
  });
});
afterEach(() => {
  life.abort();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const partly = (size: number) => async () =>
  new Response("x", { status: 206, headers: { "Content-Range": `bytes 0-0/${size}` } });
const get = (changes = {}) => source(take({ place: PLACE, ...changes }), () => {}, life.signal);

async function answerAll(from = 0): Promise<void> {
  for (let at = from; at < fake.sent.length; at++) await fake.answer(fake.sent[at], {}, [new ArrayBuffer(1)]);
}

test("a file that the server has is played from there, and the kernel is not asked", async () => {
  answers = partly(2_500_000);
  expect(await get()).toBe(URL_);
  expect(asked.map(([url, { headers }]) => [url, headers])).toEqual([[URL_, { Range: "bytes=0-0" }]]);
  expect(fake.sent).toEqual([]);
});

test.each([
  ["another file of that name", partly(2_499_999)],
  ["a server that cannot seek", async () => new Response("all of it", { status: 200 })],
  ["a login page", async () => new Response("", { status: 403 })],
  ["a hidden folder", async () => new Response("", { status: 404 })],
  ["no server", () => Promise.reject(new TypeError("Failed to fetch"))],
])("%s is no way: the kernel is asked", async (_, how) => {
  answers = how;
  const url = get();
  for (let turn = 0; !fake.sent.length && turn < 9; turn++) await settle();
  await answerAll();
  expect(await url).toBe("blob:1");
  expect(fake.asked("piece")).toHaveLength(3);
});

test("the server's file is told before the server has answered", async () => {
  let answer = (_: Response) => {};
  answers = () => new Promise((done) => (answer = done));
  const url = get();
  await settle();
  expect(early).toEqual([URL_]);
  answer(await partly(2_500_000)());
  expect(await url).toBe(URL_);
  expect(early).toEqual([URL_]);
});

test("without a place the server is not asked", async () => {
  const url = get({ place: null });
  await answerAll();
  expect(await url).toBe("blob:1");
  expect(asked).toEqual([]);
  expect(early).toEqual([]);
});

test("a host that knows no places has the kernel", async () => {
  fake.widget_manager = undefined;
  answers = async () => new Response("", { status: 404 });
  const url = get();
  for (let turn = 0; !fake.sent.length && turn < 9; turn++) await settle();
  await answerAll();
  expect(await url).toBe("blob:1");
  expect(asked[0]?.[0]).toBe(PLACE);
});

test("what was let go is looked for on the server again", async () => {
  answers = partly(2_500_000);
  await get();
  expect(await get()).toBe(URL_);
  expect(asked).toHaveLength(2);
  expect(fake.sent).toEqual([]);
});

test("pieces that came are not asked for again", async () => {
  const first = get({ place: null });
  await fake.answer(fake.sent[0], {}, [new ArrayBuffer(1)]);
  await fake.refuse(fake.sent[1], "No.");
  await expect(first).rejects.toThrow("No.");
  const before = fake.sent.length;
  const second = get({ place: null });
  expect(fake.sent.slice(before).map(({ offset }) => offset)).toEqual([1_000_000, 2_000_000]);
  await answerAll(before);
  expect(await second).toBe("blob:1");
});

test("a view that goes while the server is asked does not turn to the kernel", async () => {
  answers = () =>
    new Promise((_, fail) => life.signal.addEventListener("abort", () => fail(life.signal.reason)));
  const url = get();
  await settle();
  life.abort();
  await expect(url).rejects.toThrow();
  expect(fake.sent).toEqual([]);
});
