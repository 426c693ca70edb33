import { afterEach, beforeEach, expect, test, vi } from "vitest";
import check from "../src/check";
import type { CheckState } from "../src/lib/wire";
import { FakeModel } from "./fakes";

const HURT = "<img src=x onerror=alert(1)>";
const STATE: CheckState = {
  seq: 0,
  findings: [
    ["host", "ok", "works", "Jupyter", ""],
    ["server", "bad", "does not work", HURT, "Start it."],
  ],
};

let el: HTMLElement;
let fake: FakeModel;
let cleanup: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  el = document.createElement("div");
  fake = new FakeModel(STATE);
  cleanup = check.render({ model: fake.model as never, el });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const rows = () => [...el.querySelectorAll("tr")].map((row) => row.textContent);
const browser = () => rows().at(-1);

test("what was found stands there as text, with what to do", () => {
  expect(rows()[0]).toBe("hostworksJupyter");
  expect(rows()[1]).toBe(`serverdoes not work${HURT}Start it.`);
  expect(el.querySelector("img")).toBeNull();
});

test("the way to the kernel and back is measured", async () => {
  expect(browser()).toContain("whether this page reaches the kernel");
  await fake.answer(fake.asked("snapshot")[0], { state: STATE, late: 0 });
  expect(browser()).toMatch(/^browserworksthis page and the kernel answer each other in \d+ ms$/);
});

test("a kernel that does not answer is named, and so is one that does at last", async () => {
  vi.advanceTimersByTime(2000);
  expect(browser()).toContain("run the cell again");
  for (const question of fake.asked("snapshot")) await fake.answer(question, { state: STATE, late: 0 });
  expect(browser()).toContain("works");
});

test("a page without a kernel says so", async () => {
  cleanup();
  fake.send = () => {
    throw new Error("dead");
  };
  cleanup = check.render({ model: fake.model as never, el });
  await vi.advanceTimersByTimeAsync(0);
  expect(browser()).toContain("The kernel is gone.");
});
