import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Follower } from "../src/lib/follow";
import { Kernel } from "../src/lib/kernel";
import type { State } from "../src/lib/wire";
import { FakeModel, job, state } from "./fakes";

let fake: FakeModel;
let life: AbortController;
let shown: { seq: number; since: number }[];

function begin(first: State): void {
  fake = new FakeModel(first);
  life = new AbortController();
  shown = [];
  const show = ({ seq }: State, since: number) => shown.push({ seq, since });
  new Follower(fake.model, new Kernel(fake.model, life.signal), show, life.signal);
}
/** Until it has asked for the first time. */
function asked(): void {
  vi.advanceTimersByTime(150);
  expect(fake.sent).toHaveLength(1);
}
const seqs = () => shown.map(({ seq }) => seq);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("it shows what is there and asks for what is new", async () => {
  begin(state({ seq: 3 }));
  expect(seqs()).toEqual([3]);
  asked();
  await fake.answer(fake.sent[0], { state: state({ seq: 5 }), late: 0 });
  expect(seqs()).toEqual([3, 5]);
});

test.each([
  ["a job that goes on at once", state({ job: job() }), [1, 1, 1]],
  ["one that is over after a moment", state({ job: job({ status: "complete" }) }), [0, 0, 1]],
  ["a film that is being made at once", { ...state(), active: 1 }, [1, 1, 1]],
  ["a take after a moment", state(), [0, 0, 1]],
])("it asks about %s: a first picture has its way free meanwhile", (_, first, counts) => {
  begin(first);
  const count = (after: number) => {
    vi.advanceTimersByTime(after);
    return fake.asked("snapshot").length;
  };
  expect([count(0), count(149), count(1)]).toEqual(counts);
});

test("a snapshot's seconds count from when it was composed", async () => {
  begin(state());
  asked();
  await fake.answer(fake.sent[0], { state: state({ seq: 1 }), late: 2.5 });
  expect(performance.now() - (shown.at(-1)?.since ?? 0)).toBeCloseTo(2500, 0);
});

test("an older state never replaces a newer one", async () => {
  begin(state({ seq: 3 }));
  asked();
  fake.push(state({ seq: 4 }));
  await fake.answer(fake.sent[0], { state: state({ seq: 3 }), late: 0 });
  expect(seqs()).toEqual([3, 4]);
});

test("after a gap it asks, after a direct successor it does not", async () => {
  begin(state({ seq: 0 }));
  asked();
  await fake.answer(fake.sent[0], { state: state(), late: 0 });
  fake.push(state({ seq: 1 }));
  expect(fake.sent).toHaveLength(1);
  fake.push(state({ seq: 3 }));
  expect(fake.sent).toHaveLength(2);
});

test("a quiet job that goes on is asked about, one that is over is not", async () => {
  begin(state({ job: job() }));
  asked();
  await fake.answer(fake.sent[0], { state: state({ job: job() }), late: 0 });
  vi.advanceTimersByTime(20_001);
  expect(fake.sent).toHaveLength(2);
  await fake.answer(fake.sent[1], { state: state({ seq: 1, job: job({ status: "complete" }) }), late: 0 });
  fake.state = state({ seq: 1, job: job({ status: "complete" }) });
  vi.advanceTimersByTime(60_000);
  expect(fake.sent).toHaveLength(2);
});

test("when the view goes, it neither listens nor asks", () => {
  begin(state({ job: job() }));
  life.abort();
  expect(fake.listening).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(fake.sent).toEqual([]);
});
