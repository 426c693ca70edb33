import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Kernel } from "../src/lib/kernel";
import { FakeModel } from "./fakes";

let fake: FakeModel;
let life: AbortController;
let kernel: Kernel;

beforeEach(() => {
  vi.useFakeTimers();
  fake = new FakeModel();
  life = new AbortController();
  kernel = new Kernel(fake.model, life.signal);
});
afterEach(() => vi.useRealTimers());

test("an answer reaches its own question, with its buffers", async () => {
  const one = kernel.read("piece", { offset: 1 });
  const two = kernel.read("piece", { offset: 2 });
  const [first, second] = fake.sent;
  expect(first).toMatchObject({ kind: "read", name: "piece", offset: 1 });
  await fake.answer(second, { n: 2 }, [new ArrayBuffer(3)]);
  await fake.answer(first, { n: 1 });
  expect((await one)[0].n).toBe(1);
  expect((await two)[1][0]?.byteLength).toBe(3);
});

test("two views of one model do not take each other's answers", async () => {
  const other = new Kernel(fake.model, life.signal);
  const mine = kernel.read("snapshot");
  const theirs = other.read("snapshot");
  await fake.answer(fake.sent[1], { whose: "theirs" });
  await fake.answer(fake.sent[0], { whose: "mine" });
  expect((await mine)[0].whose).toBe("mine");
  expect((await theirs)[0].whose).toBe("theirs");
});

test("a refusal is told in the kernel's words", async () => {
  const asked = kernel.act("stop");
  fake.refuse(fake.sent[0], "The job is complete already.");
  await expect(asked).rejects.toThrow("The job is complete already.");
});

test("it is late after two seconds, until everything is answered", async () => {
  const told: boolean[] = [];
  kernel.onLate((late) => told.push(late));
  kernel.act("stop");
  vi.advanceTimersByTime(1000);
  kernel.read("snapshot");
  vi.advanceTimersByTime(999);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1001);
  expect(told).toEqual([true]);
  await fake.answer(fake.asked("stop")[0]);
  expect(told).toEqual([true]);
  await fake.answer(fake.asked("snapshot")[0]);
  expect(told).toEqual([true, false]);
});

test("a late read is asked again, an act never", async () => {
  const read = kernel.read("piece", { offset: 3 });
  kernel.act("stop");
  vi.advanceTimersByTime(2000);
  expect(fake.asked("stop")).toHaveLength(1);
  const [first, second, ...more] = fake.asked("piece");
  expect(second).toEqual(first);
  expect(more).toEqual([]);
  await fake.answer(second, { n: 1 });
  await fake.answer(first, { n: 2 });
  expect((await read)[0].n).toBe(1);
});

test("a kernel that is busy for minutes is not asked for everything over and over", () => {
  for (const offset of [0, 1, 2, 3]) kernel.read("piece", { offset });
  vi.advanceTimersByTime(120_000);
  const asked = fake.asked("piece").map(({ offset }) => offset);
  expect(asked.filter((offset) => offset !== 0)).toEqual([1, 2, 3, 1, 2, 3]);
  expect(asked.filter((offset) => offset === 0).length).toBeLessThan(9);
});

test("when the kernel speaks again, what a reconnect swallowed is asked for at once", async () => {
  for (const offset of [0, 1, 2, 3]) kernel.read("piece", { offset });
  vi.advanceTimersByTime(120_000);
  const before = fake.sent.length;
  await fake.answer(fake.sent[0]);
  vi.advanceTimersByTime(30_000);
  const again = fake.sent.slice(before, before + 3).map(({ offset }) => offset);
  expect(again).toEqual([1, 2, 3]);
});

test("on a slow line nothing is asked twice", async () => {
  for (let at = 0; at < 5; at++) {
    const piece = kernel.read("piece", { offset: at });
    vi.advanceTimersByTime(1900 + 1000 * at);
    await fake.answer(fake.sent.at(-1));
    await piece;
  }
  expect(fake.sent).toHaveLength(5);
});

test("an answered question does not wait for its signal any more", async () => {
  const one = new AbortController();
  const remove = vi.spyOn(one.signal, "removeEventListener");
  kernel.read("piece", {}, one.signal);
  await fake.answer(fake.sent[0]);
  expect(remove).toHaveBeenCalledOnce();
});

test("an aborted question is forgotten and no longer late", async () => {
  const told: boolean[] = [];
  kernel.onLate((late) => told.push(late));
  const one = new AbortController();
  const asked = kernel.read("piece", {}, one.signal);
  vi.advanceTimersByTime(2000);
  one.abort(new Error("gone"));
  await expect(asked).rejects.toThrow("gone");
  expect(told).toEqual([true, false]);
});

test("what is not wanted any more is not asked", async () => {
  await expect(kernel.read("piece", {}, AbortSignal.abort())).rejects.toThrow();
  expect(fake.sent).toEqual([]);
});

test("a connection that is gone says so at once, and nothing waits", async () => {
  fake.send = () => {
    throw new Error("Cannot send");
  };
  await expect(kernel.act("stop")).rejects.toThrow("The kernel is gone. Run the cell again.");
  expect(vi.getTimerCount()).toBe(0);
});

test("when the view goes, nothing of it stays", () => {
  kernel.act("stop");
  life.abort();
  expect(fake.listening).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("how long a question was lost is not taken for how long an answer takes", async () => {
  // Sent before there was a thread for widgets: both wait behind the cell.
  kernel.read("snapshot");
  vi.advanceTimersByTime(10);
  const piece = kernel.read("piece", { offset: 0 });
  vi.advanceTimersByTime(1990);
  const [, again] = fake.asked("snapshot");
  await fake.answer(again);
  vi.advanceTimersByTime(2000);
  const asked = fake.asked("piece");
  expect(asked).toHaveLength(2);
  await fake.answer(asked[1], { n: 1 });
  expect((await piece)[0].n).toBe(1);
});
