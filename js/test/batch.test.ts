import type { Host } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BatchState } from "../src/batch/state";
import batchView from "../src/batch_view";
import * as wire from "../src/lib/wire.json";
import sweepView from "../src/sweep_view";
import { axis, batch, broken, done, ERROR, HURT, item, sweep, take } from "./batches";
import { FakeModel, FakeObserver, fakeUrls, settle } from "./fakes";

/** A model that can be set from the page, as Jupyter's can. */
class FakeBatch extends FakeModel {
  set(_name: string, state: BatchState): void {
    this.push(state);
  }

  tell(seq: number, delta: object): Promise<void> {
    return this.answer(undefined, { seq, delta });
  }

  /** Let the kernel put a widget on the stage. */
  async play(ref: string | null): Promise<void> {
    this.more.stage = ref;
    for (const heard of this.listeners.get("change:stage") ?? []) heard();
    await settle();
  }
}

let el: HTMLElement;
let host: { [name in keyof Host]: ReturnType<typeof vi.fn> };
let drawn: { el: HTMLElement; signal: AbortSignal }[];

beforeEach(() => {
  vi.useFakeTimers();
  FakeObserver.all = [];
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  Element.prototype.scrollIntoView = vi.fn();
  fakeUrls();
  drawn = [];
  const render = async (how: (typeof drawn)[0]) => {
    drawn.push(how);
    how.el.append("a player");
  };
  host = { getWidget: vi.fn(async () => ({ render })), getModel: vi.fn() };
  el = document.createElement("div");
  document.body.replaceChildren(el);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const find = <E extends HTMLElement = HTMLElement>(selector: string) => el.querySelector<E>(selector) as E;
const all = <E extends HTMLElement = HTMLElement>(selector: string) => [...el.querySelectorAll<E>(selector)];
const named = (text: string) => all<HTMLButtonElement>("button").find((one) => one.textContent === text);
const press = (key: string) =>
  document.activeElement?.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
  );

async function open(
  view: typeof batchView | typeof sweepView,
  state: BatchState,
  stage: string | null = null,
) {
  const fake = new FakeBatch(state, { stage });
  const cleanup = view.render({ model: fake.model as never, el, host: host as never });
  await settle();
  return { fake, cleanup };
}

test("both sides say the same words", () => {
  expect(Object.keys(batch([])).sort()).toEqual(wire.batch.state);
  expect(Object.keys(item("a")).sort()).toEqual(wire.batch_item);
  expect(Object.keys(take()).sort()).toEqual(wire.batch_take);
  const more = Object.keys(sweep([])).filter((name) => !wire.batch.state.includes(name));
  expect(more.sort()).toEqual(wire.sweep);
});

test("nothing is left behind", async () => {
  const { fake, cleanup } = await open(sweepView, sweep([done("a"), done("b")]), "anywidget:1");
  cleanup();
  expect(el.childElementCount).toBe(0);
  expect(fake.listening).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  expect(drawn[0]?.signal.aborted).toBe(true);
});

test.each([
  [item("a"), "Waiting for its turn", "", "Stop"],
  [item("a", { status: "submitting", message: "uploading" }), "Submitting", "uploading", "Stop"],
  [item("a", { status: "queued", message: "next" }), "Queued, next", "", "Stop"],
  [
    item("a", { status: "running", progress: 0.47, eta: 80, message: "KSampler" }),
    "Running 47 %, 1:20 left",
    "KSampler",
    "Stop",
  ],
  [
    item("a", { status: "saving", progress: 0.96, message: "fetching 1 of 2 MB" }),
    "Saving 96 %",
    "fetching 1 of 2 MB",
    null,
  ],
  [done("a"), "Complete", "2:33", null],
  [item("a", { status: "complete", take: take({ cached: true }) }), "Complete", "from the cache", null],
  [broken("a"), "Error", "Out of memory. Try fewer frames.", "Again"],
  [item("a", { status: "cancelled" }), "Cancelled", "", "Again"],
  [item("a", { status: "lost", error: ERROR }), "Lost", "Out of memory. Try fewer frames.", "Again"],
] as const)("a row in words and what can be done (%#)", async (one, words, aside, does) => {
  const { fake } = await open(batchView, batch([one]));
  expect(find(".cw-now").textContent).toBe(words);
  expect(find(".cw-aside").textContent).toBe(aside);
  expect(find(".cw-mark path").getAttribute("d")).toBeTruthy();
  expect(find(".cw-thumb").getAttribute("aria-label")).toBe(`a: ${words}`);
  const go = find<HTMLButtonElement>(".cw-item > .cw-quiet");
  expect(go.hidden).toBe(does === null);
  if (does === null) return;
  expect(go.textContent).toBe(does);
  go.click();
  expect(fake.asked(does === "Stop" ? "stop" : "again")).toMatchObject([{ items: [0] }]);
});

test("texts of others are text", async () => {
  await open(
    batchView,
    batch([item(HURT, { scene: HURT, prompt: HURT, status: "error", error: { ...ERROR, what: HURT } })]),
  );
  find<HTMLButtonElement>(".cw-thumb").click();
  expect(el.querySelector("img")).toBeNull();
  expect(find(".cw-why").textContent).toContain(HURT);
  expect(find(".cw-asked").textContent).toBe(HURT);
});

test("what differs is laid on what is there; a gap is asked about", async () => {
  const { fake } = await open(batchView, batch([item("a"), item("b")]));
  await fake.tell(1, { items: { 1: { status: "running", progress: 0.5 } }, active: 2 });
  expect(all(".cw-now").map(({ textContent }) => textContent)).toEqual([
    "Waiting for its turn",
    "Running 50 %",
  ]);
  await fake.tell(1, { items: { 1: { progress: 0.9 } } });
  expect(all(".cw-now")[1]?.textContent).toBe("Running 50 %");
  const asked = fake.asked("snapshot").length;
  await fake.answer(fake.asked("snapshot").at(-1), { state: { ...fake.state, seq: 1 }, late: 0 });
  await fake.tell(3, { items: { 0: { status: "queued" } } });
  expect(fake.asked("snapshot").length).toBe(asked + 1);
});

test("how far all are, and how it is stopped and goes on", async () => {
  const items = [done("a"), item("b", { status: "running" }), item("c"), broken("d")];
  const state = batch(items, {
    complete: 1,
    cached: 1,
    failed: 1,
    active: 2,
    waiting: 1,
    progress: 0.6,
    left: 85,
  });
  const { fake } = await open(batchView, state);
  const words = () => find(".cw-head-all .cw-dim").textContent;
  expect(words()).toBe("1 of 4 complete, 1 from the cache, 1 failed, about 85 s left");
  expect(find(".cw-all").getAttribute("aria-valuenow")).toBe("60");
  named("Stop the rest")?.click();
  expect(fake.asked("stop")).toMatchObject([{ rest: true }]);
  await fake.tell(1, { waiting: 0, active: 1, items: { 2: { status: "cancelled" } } });
  const stop = all<HTMLButtonElement>(".cw-does button").find(({ hidden }) => !hidden);
  expect(stop?.textContent).toBe("Stop");
  stop?.click();
  expect(fake.asked("stop")[1]).toMatchObject({ rest: false });
  await fake.tell(2, { active: 0, items: { 1: { status: "cancelled" } } });
  expect(stop?.hidden).toBe(true);
  expect(find(".cw-voice").textContent).toBe("1 of 4 complete, 1 from the cache, 1 failed");
  named("Generate missing (3)")?.click();
  expect(fake.asked("again")).toHaveLength(1);
  expect(fake.asked("again")[0]).not.toHaveProperty("items");
  await fake.tell(3, { complete: 4 });
  expect(named("Generate missing (0)")?.hidden).toBe(true);
});

test("a refusal is said, and taken back by what is done after it", async () => {
  const { fake } = await open(batchView, batch([item("a")], { active: 1, waiting: 1 }));
  named("Stop")?.click();
  await fake.refuse(fake.asked("stop")[0], "It can't be stopped.");
  expect(find(".cw-note-all").textContent).toBe("It can't be stopped.");
  named("Stop")?.click();
  await fake.answer(fake.asked("stop")[1]);
  expect(find(".cw-note-all").hidden).toBe(true);
});

test("a take is opened in a widget of its own, and closed again", async () => {
  const { fake } = await open(batchView, batch([item("a"), done("b")]));
  const [first, second] = all<HTMLButtonElement>(".cw-thumb");
  first?.click();
  expect(fake.asked("open")).toEqual([]); // nothing to be shown of it yet
  second?.focus();
  second?.click();
  expect(fake.asked("open")).toMatchObject([{ items: [1] }]);
  await fake.tell(1, { opened: [1] });
  await fake.play("anywidget:7");
  expect(host.getWidget).toHaveBeenCalledWith("anywidget:7");
  expect(find(".cw-stage").textContent).toBe("a playerClose");
  expect(all(".cw-item")[1]?.hasAttribute("data-open")).toBe(true);
  await fake.play("anywidget:8");
  expect(drawn.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  (document.activeElement as HTMLElement).blur();
  find(".cw-stage").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  expect(fake.asked("open").at(-1)).toMatchObject({ items: [] });
  expect(find(".cw-stage").hidden).toBe(true);
  expect(drawn[1]?.signal.aborted).toBe(true);
  expect(document.activeElement).toBe(second);
});

test("why there is no take is told beneath, until it is asked for again", async () => {
  const { fake } = await open(batchView, batch([done("a"), broken("b")], { opened: [0] }), "anywidget:1");
  all<HTMLButtonElement>(".cw-thumb")[1]?.click();
  expect(fake.asked("open")).toMatchObject([{ items: [] }]);
  await fake.play(null);
  const why = find(".cw-why").textContent;
  for (const words of [ERROR.where, ERROR.what, ERROR.hint, "one"]) expect(why).toContain(words);
  find<HTMLButtonElement>(".cw-why button").click();
  expect(fake.asked("again")).toMatchObject([{ items: [1] }]);
  await fake.tell(1, { items: { 1: { status: "submitting", error: null } } });
  expect(find(".cw-stage").hidden).toBe(true);
});

test.each([
  ["a host without widgets in widgets", () => undefined],
  ["a widget that is gone", () => ({ ...host, getWidget: () => Promise.reject(new Error("gone")) })],
])("%s says how to see it in Python", async (_name, other) => {
  const fake = new FakeBatch(batch([done("a")]), { stage: "anywidget:1" });
  batchView.render({ model: fake.model as never, el, host: other() as never });
  await settle();
  expect(find(".cw-stage").textContent).toContain("cw.VideoPlayer(take)");
});

test("pictures are asked for when they come into view", async () => {
  const [a, b] = [done("a"), done("b")];
  await open(batchView, batch([a, b]));
  expect(all("img")).toEqual([]);
  FakeObserver.all.find(({ targets }) => targets.size)?.enter(all(".cw-thumb")[1] as Element);
  await settle();
  expect(all(".cw-thumb").map((place) => place.querySelector("img")?.getAttribute("src"))).toEqual([
    undefined,
    "data:p",
  ]);
});

test("an empty batch says what to do", async () => {
  await open(batchView, batch([]));
  expect(find(".cw-rows").textContent).toContain("studio.generate(");
});

test("one row can be reached by Tab; the arrows lead on", async () => {
  await open(batchView, batch([broken("a"), broken("b"), broken("c")]));
  const reached = () => all("[tabindex='0']").map((one) => one.getAttribute("aria-label"));
  expect(reached()).toEqual(["a: Error", "Generate a again"]);
  find(".cw-thumb").focus();
  press("End");
  expect(document.activeElement?.getAttribute("aria-label")).toBe("c: Error");
  press("ArrowLeft");
  expect(reached()).toEqual(["b: Error", "Generate b again"]);
  press("Home");
  press("ArrowLeft");
  expect(document.activeElement?.getAttribute("aria-label")).toBe("a: Error");
});

const cells = (count: number) => Array.from({ length: count }, (_, n) => done(`cell ${n}`));
const heads = () => all("[role=columnheader]").map(({ textContent }) => textContent);

test("two axes are rows and columns", async () => {
  const axes = [axis("prompt", "dusk", "dawn"), axis("motion_bucket", "0", "1", "2")];
  await open(
    sweepView,
    sweep(cells(6), {
      axes,
      same: [
        ["", HURT],
        ["steps", "20"],
      ],
    }),
  );
  expect(heads()).toEqual(["prompt", "motion bucket 0", "motion bucket 1", "motion bucket 2"]);
  expect(all("[role=rowheader]").map(({ textContent }) => textContent)).toEqual(["dusk", "dawn"]);
  const second = all("[role=row]")[2] as HTMLElement;
  expect(second.querySelector(".cw-face")?.getAttribute("aria-label")).toBe("cell 3: Complete");
  expect(find(".cw-equal").textContent).toBe(`Same: ${HURT}, steps 20`);
});

test("further axes are headings of tables", async () => {
  const axes = [
    axis("cfg", "1", "5"),
    axis("steps", "10", "20"),
    axis("prompt", "dusk"),
    axis("seed", "0", "1"),
  ];
  await open(sweepView, sweep(cells(8), { axes }));
  expect(all(".cw-caption-all").map(({ textContent }) => textContent)).toEqual([
    "cfg 1, steps 10",
    "cfg 1, steps 20",
    "cfg 5, steps 10",
    "cfg 5, steps 20",
  ]);
  expect(all("[role=table]")[2]?.querySelector(".cw-face")?.getAttribute("aria-label")).toBe(
    "cell 4: Complete",
  );
});

test("one axis wraps, and pairs have both labels", async () => {
  await open(sweepView, sweep(cells(2)));
  expect(all(".cw-over-cell").map(({ textContent }) => textContent)).toEqual(["seed 0", "seed 1"]);
  el.replaceChildren();
  const axes = [axis("prompt", "dusk", "dawn"), axis("seed", "7", "8")];
  await open(sweepView, sweep(cells(2), { axes, pairs: true }));
  const labels = all(".cw-over-cell").map(({ children }) =>
    [...children].map(({ textContent }) => textContent),
  );
  expect(labels).toEqual([
    ["dusk", "seed 7"],
    ["dawn", "seed 8"],
  ]);
});

test("cells are selected by keyboard and compared", async () => {
  const axes = [axis("seed", "0", "1", "2", "3", "4", "5")];
  const { fake } = await open(sweepView, sweep([...cells(5), broken("hole")], { axes }));
  const compare = find<HTMLButtonElement>(".cw-does button");
  expect([compare.textContent, compare.disabled]).toEqual(["Compare", true]);
  find(".cw-face").focus();
  press("c");
  press("x");
  press("ArrowRight");
  press("x");
  expect([compare.textContent, compare.disabled]).toEqual(["Compare (2)", false]);
  expect(all("[data-picked]")).toHaveLength(2);
  press("c");
  expect(fake.asked("open")).toMatchObject([{ items: [0, 1] }]);
  press("End");
  press("x"); // a hole can't be selected
  expect(compare.textContent).toBe("Compare (2)");
  for (const box of all<HTMLInputElement>(".cw-box").slice(2, 5)) box.click();
  expect([compare.textContent, compare.disabled]).toEqual(["Compare (5)", true]);
  expect(compare.title).toContain("Two to four");
  press("c");
  expect(fake.asked("open")).toHaveLength(1);
});

test("a hole says why, a cell that runs how far it is", async () => {
  await open(sweepView, sweep([broken("a"), item("b", { status: "running", progress: 0.5 })]));
  const [hole, runs] = all(".cw-cell") as [HTMLElement, HTMLElement];
  expect(hole.querySelector(".cw-aside")?.textContent).toBe("Out of memory. Try fewer frames.");
  expect(runs.querySelector(".cw-now")?.textContent).toBe("Running 50 %");
  expect((runs.querySelector(".cw-far") as HTMLElement).hidden).toBe(false);
  expect((runs.querySelector(".cw-far i") as HTMLElement).style.inlineSize).toBe("50%");
});
