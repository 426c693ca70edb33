import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Kernel } from "../src/lib/kernel";
import { posterOf } from "../src/lib/poster";
import { FakeModel, fakeUrls, settle, take } from "./fakes";

let fake: FakeModel;
let life: AbortController;
let urls: ReturnType<typeof fakeUrls>;
let asked: string[];

beforeEach(() => {
  asked = [];
  urls = fakeUrls();
  fake = new FakeModel();
  fake.widget_manager = { resolveUrl: async (path: string) => `/files/${path}` };
  life = new AbortController();
});
afterEach(() => {
  life.abort();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const get = (poster: string | null) =>
  posterOf(take({ poster }), new Kernel(fake.model, life.signal), life.signal);
const answering = (status: number) =>
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return new Response("", { status });
  });

test("a poster in the state needs nobody", async () => {
  expect(await get("data:,x")).toBe("data:,x");
  expect(await get(null)).toBeNull();
  expect(fake.sent).toEqual([]);
});

test("a poster on the server is taken from there", async () => {
  answering(200);
  expect(await get("takes/a.jpg")).toBe("blob:1");
  expect(asked).toEqual(["/files/takes/a.jpg"]);
  expect(fake.sent).toEqual([]);
});

test("a poster that the server does not have comes from the kernel, until the view goes", async () => {
  answering(404);
  const url = get("takes/a.jpg");
  await settle();
  await fake.answer(fake.asked("poster")[0], {}, [new ArrayBuffer(2)]);
  expect(await url).toBe("blob:1");
  expect(urls.made[0]?.size).toBe(2);
  life.abort();
  expect(urls.revoked).toEqual(["blob:1"]);
});

test("a poster that nobody has is none", async () => {
  answering(404);
  const url = get("takes/a.jpg");
  await settle();
  await fake.refuse(fake.asked("poster")[0], "The file a.jpg is gone.");
  expect(await url).toBeNull();
});
