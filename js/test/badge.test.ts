import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Badge } from "../src/lib/badge";
import { Kernel } from "../src/lib/kernel";
import type { JobState } from "../src/lib/wire";
import { FakeModel, job, settle, take } from "./fakes";

let fake: FakeModel;
let life: AbortController;
let kernel: Kernel;
let badge: Badge;

beforeEach(() => {
  vi.useFakeTimers();
  fake = new FakeModel();
  life = new AbortController();
  kernel = new Kernel(fake.model, life.signal);
  badge = new Badge(kernel, life.signal);
  document.body.replaceChildren(badge.el);
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
});

const find = (selector: string) => badge.el.querySelector<HTMLElement>(selector) as HTMLElement;
const text = (selector: string) => find(selector).textContent;
const go = () => find(".cw-acts button:last-child") as HTMLButtonElement;
const show = (changes: Partial<JobState> = {}) => badge.show(job(changes), performance.now());

test.each([
  ["submitting", "waited 1:12", "Stop"],
  ["queued", "waited 1:12", "Stop"],
  ["running", "1:12, about 1:20 left", "Stop"],
  ["saving", "1:12", ""],
  ["complete", "1:12", ""],
  ["error", "1:12", "Again"],
  ["cancelled", "1:12", "Again"],
  ["lost", "1:12", "Submit again"],
] as const)("%s is said in words, with its time and what can be done", (status, time, label) => {
  const acts = { Stop: ["stop"], "": [], Again: ["again"], "Submit again": ["again"] }[
    label
  ] as JobState["acts"];
  show({ status, acts });
  expect(text(".cw-state")).toBe(status);
  expect(text(".cw-time")).toBe(time);
  expect(go().hidden ? "" : go().textContent).toBe(label);
});

test("the place in the line stands out", () => {
  show({ status: "queued", message: "3rd in line, 2 of the 3 ahead are yours" });
  expect(text(".cw-what b")).toBe("3rd in line");
  expect(text(".cw-what")).toBe("3rd in line, 2 of the 3 ahead are yours");
});

test("progress is there for eyes and ears while it is known, and nowhere else", () => {
  show();
  expect(find(".cw-bar").getAttribute("aria-valuenow")).toBe("47");
  expect(find(".cw-bar").getAttribute("aria-label")).toBe("Progress of shot-01");
  expect(text(".cw-pct")).toBe("47 %");
  show({ status: "queued" });
  expect(find(".cw-bar").hidden).toBe(true);
  expect(text(".cw-pct")).toBe("");
});

test("the clock ticks here while the job goes on", () => {
  show();
  vi.advanceTimersByTime(3000);
  expect(text(".cw-time")).toBe("1:15, about 1:17 left");
  show({ status: "complete", elapsed: 75 });
  vi.advanceTimersByTime(3000);
  expect(text(".cw-time")).toBe("1:15");
});

test("old news says so, and since when", () => {
  show({ age: 28 });
  expect(text(".cw-warn")).toBe("");
  vi.advanceTimersByTime(12_000);
  expect(text(".cw-warn")).toBe("no news for 40 s. ");
});

test("the screen reader hears states, not steps", async () => {
  show();
  let heard = 0;
  const watch = new MutationObserver((changes) => {
    heard += changes.length;
  });
  watch.observe(find("[role=status]"), { childList: true, characterData: true, subtree: true });
  show({ progress: 0.6, message: "KSampler, step 12 of 20" });
  vi.advanceTimersByTime(5000);
  await settle();
  expect(heard).toBe(0);
  show({ status: "complete", message: "a.mp4, 38.0 MB" });
  await settle();
  expect(text("[role=status]")).toBe("complete: a.mp4, 38.0 MB");
  expect(heard).toBeGreaterThan(0);
});

test("a click asks once, and the button says what is under way", async () => {
  show();
  go().click();
  go().click();
  expect(fake.asked("stop")).toHaveLength(1);
  expect(go().textContent).toBe("Stopping");
  await fake.answer(fake.sent[0]);
  expect(go().textContent).toBe("Stopping");
  show({ status: "cancelled", acts: ["again"] });
  expect(go().textContent).toBe("Again");
  expect(go().disabled).toBe(false);
});

test("a refusal is shown in place until the state changes", async () => {
  show();
  go().click();
  await fake.refuse(fake.sent[0], "The job is complete already.");
  expect(text(".cw-what")).toBe("The job is complete already.");
  expect(go().textContent).toBe("Stop");
  show({ status: "complete", message: "a.mp4", acts: [] });
  expect(text(".cw-what")).toBe("a.mp4");
});

test("a kernel that does not answer is named after two seconds, and the clock stands still", async () => {
  show();
  go().click();
  vi.advanceTimersByTime(2000);
  expect(go().textContent).toBe("Waiting for the kernel");
  const time = text(".cw-time");
  vi.advanceTimersByTime(5000);
  expect(text(".cw-time")).toBe(time);
  await fake.answer(fake.sent[0]);
  expect(go().textContent).toBe("Stopping");
});

test("a state that no kernel has confirmed says so, as in a notebook that was saved", async () => {
  show();
  kernel.read("snapshot");
  vi.advanceTimersByTime(2000);
  expect(text(".cw-what")).toBe("no answer yet; if the kernel was restarted, run the cell again");
  await fake.answer(fake.sent[0]);
  expect(text(".cw-what")).toBe("KSampler, step 9 of 20");
  kernel.read("snapshot");
  vi.advanceTimersByTime(2000);
  expect(text(".cw-what")).toBe("KSampler, step 9 of 20");
});

test("a job that is over waits for nobody", () => {
  show();
  kernel.read("snapshot");
  vi.advanceTimersByTime(5000);
  expect(go().textContent).toBe("Waiting for the kernel");
  show({ status: "complete", acts: [] });
  expect(go().hidden).toBe(true);
});

test("an error stands in its place, whole on demand", () => {
  const error = { where: "shot-03", details: ["Shot shot-03, prompt 6f1c", "File nodes.py, line 1"] };
  show({ status: "error", acts: ["again"], message: "KSampler failed. Try fewer frames.", error });
  expect(text(".cw-what")).toBe("shot-03: KSampler failed. Try fewer frames.");
  expect(find(".cw-what").title).toBe("shot-03: KSampler failed. Try fewer frames.");
  const unfold = find("[aria-expanded]");
  expect(find(".cw-more").hidden).toBe(true);
  unfold.click();
  expect(unfold.getAttribute("aria-expanded")).toBe("true");
  expect(text(".cw-more")).toBe(
    "KSampler failed. Try fewer frames.\nShot shot-03, prompt 6f1c\nFile nodes.py, line 1",
  );
});

test("an unfolded error folds when the job starts again", () => {
  show({ status: "error", acts: ["again"], error: { where: "", details: [] } });
  find("[aria-expanded]").click();
  show({ status: "queued" });
  expect(find(".cw-more").hidden).toBe(true);
  show({ status: "error", acts: ["again"], error: { where: "", details: [] } });
  expect(find(".cw-more").hidden).toBe(true);
  expect(find("[aria-expanded]").getAttribute("aria-expanded")).toBe("false");
});

test("what comes from elsewhere is text", () => {
  show({ message: "<img src=x onerror=alert(1)>", title: '"><b>x' });
  expect(badge.el.querySelector("img")).toBeNull();
  expect(text(".cw-what")).toBe("<img src=x onerror=alert(1)>");
});

test("each state has a shape of its own", () => {
  const states = [
    "submitting",
    "queued",
    "running",
    "saving",
    "complete",
    "error",
    "cancelled",
    "lost",
  ] as const;
  const shapes = states.map((status) => {
    show({ status });
    return badge.el.querySelector("path")?.getAttribute("d");
  });
  expect(new Set(shapes).size).toBe(states.length);
});

test("beside where a take came from stands why nobody made it anew", () => {
  const made = `${new Date().getFullYear()}-11-03T10:00:00Z`;
  const cached = take({ cached: true, made, render_seconds: null });
  badge.show(job({ status: "complete", message: "offline" }), performance.now(), cached);
  expect(badge.el.textContent).toContain("cached, made 3 Nov on gpu-1 · offline");
});
