import { afterEach, beforeEach, expect, test, vi } from "vitest";
import jobView from "../src/job_view";
import queueBadge from "../src/queue_badge";
import videoPlayer from "../src/video_player";
import { FakeModel, FakeObserver, fakeUrls, job, settle, state, take } from "./fakes";

let el: HTMLElement;
let urls: ReturnType<typeof fakeUrls>;

beforeEach(() => {
  vi.useFakeTimers();
  FakeObserver.all = [];
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  urls = fakeUrls();
  el = document.createElement("div");
  document.body.replaceChildren(el);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const find = (selector: string) => el.querySelector<HTMLElement>(selector) as HTMLElement;

test.each([
  ["queue_badge", queueBadge],
  ["video_player", videoPlayer],
  ["job_view", jobView],
])("%s leaves nothing behind", (_, widget) => {
  const fake = new FakeModel(state({ job: job(), take: take() }));
  const cleanup = widget.render({ model: fake.model, el });
  expect(find(".cw")).not.toBeNull();
  FakeObserver.see();
  cleanup();
  expect(el.childElementCount).toBe(0);
  expect(fake.listening).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  expect(FakeObserver.all.some((one) => one.watching)).toBe(false);
});

test("two views of one model both follow it", () => {
  const fake = new FakeModel(state({ job: job() }));
  queueBadge.render({ model: fake.model, el });
  const cleanup = queueBadge.render({ model: fake.model, el });
  fake.push(state({ seq: 1, job: job({ progress: 0.8 }) }));
  expect([...el.querySelectorAll(".cw-pct")].map((one) => one.textContent)).toEqual(["80 %", "80 %"]);
  cleanup();
  fake.push(state({ seq: 2, job: job({ progress: 0.9 }) }));
  expect([...el.querySelectorAll(".cw-pct")].map((one) => one.textContent)).toEqual(["90 %"]);
});

test("keys pressed in a widget are not JupyterLab's", () => {
  queueBadge.render({ model: new FakeModel(state({ job: job() })).model, el });
  find("button:not([hidden])").focus();
  expect(document.activeElement?.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
});

test("a job that says nothing at its end is told by its take", () => {
  const done = job({ status: "complete", message: "", acts: [] });
  queueBadge.render({ model: new FakeModel(state({ job: done, take: take() })).model, el });
  expect(find(".cw-what").textContent).toBe("scene-001_shot-01_9f3ac21b04de.mp4, 2.5 MB");
});

test("a player without a take says how far its job is", () => {
  const fake = new FakeModel(state({ job: job({ status: "queued" }) }));
  videoPlayer.render({ model: fake.model, el });
  expect(find(".cw-note").textContent).toBe("No take yet (queued)");
  fake.push(state({ seq: 1, job: job({ status: "complete" }), take: take() }));
  expect(find(".cw-note").hidden).toBe(true);
});

test("a job shows its picture as it comes and then its take", async () => {
  const fake = new FakeModel(state({ job: job() }));
  jobView.render({ model: fake.model, el });
  FakeObserver.see();
  expect(find(".cw-player").hidden).toBe(true);
  fake.push(state({ seq: 1, job: job({ preview: 1 }) }));
  fake.push(state({ seq: 2, job: job({ preview: 2 }) }));
  expect(fake.asked("preview")).toHaveLength(1);
  await fake.answer(fake.asked("preview")[0], { media_type: "image/jpeg" }, [new ArrayBuffer(3)]);
  Object.defineProperties(find("img"), { naturalWidth: { value: 300 }, naturalHeight: { value: 100 } });
  find("img").dispatchEvent(new Event("load"));
  expect(find(".cw-player").hidden).toBe(false);
  expect(find(".cw-player").style.getPropertyValue("--cw-ratio")).toBe("3");
  expect(find("img").getAttribute("src")).toBe("blob:1");
  expect(urls.made[0]?.type).toBe("image/jpeg");
  // The second came while the first was under way.
  expect(fake.asked("preview")).toHaveLength(2);
  fake.push(state({ seq: 3, job: job({ status: "complete", preview: 2 }), take: take() }));
  await fake.answer(fake.asked("preview")[1], { media_type: "image/jpeg" }, [new ArrayBuffer(3)]);
  expect(find("img").hidden).toBe(true);
  expect(find("video").hidden).toBe(false);
});

test("pictures that nobody sees are not asked for", () => {
  const fake = new FakeModel(state({ job: job({ preview: 1 }) }));
  jobView.render({ model: fake.model, el });
  FakeObserver.see(false);
  expect(fake.asked("preview")).toEqual([]);
  FakeObserver.see();
  expect(fake.asked("preview")).toHaveLength(1);
});

test("a preview that fails is not asked for again until there is a newer one", async () => {
  const fake = new FakeModel(state({ job: job({ preview: 1 }) }));
  jobView.render({ model: fake.model, el });
  FakeObserver.see();
  await fake.refuse(fake.asked("preview")[0], "gone");
  await settle();
  expect(fake.asked("preview")).toHaveLength(1);
  fake.push(state({ seq: 1, job: job({ preview: 2 }) }));
  expect(fake.asked("preview")).toHaveLength(2);
});
