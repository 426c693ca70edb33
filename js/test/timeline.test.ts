import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as wire from "../src/lib/wire.json";
import { bound } from "../src/timeline/field";
import type { Card, TimelineState } from "../src/timeline/state";
import timelineView from "../src/timeline_view";
import { FakeModel, FakeObserver, fakeUrls, settle, take } from "./fakes";

// Modules of the kernel's own can't be imported here: the browser tests do.
vi.mock("../src/lib/code", async () => {
  const later = await import("../src/timeline_later");
  return { codeOf: async () => later };
});

/** A model that can be set from the page, as Jupyter's can. */
class FakeTimeline extends FakeModel {
  set(_name: string, state: TimelineState): void {
    this.push(state);
  }

  tell(seq: number, delta: object): Promise<void> {
    return this.answer(undefined, { seq, delta });
  }
}

let el: HTMLElement;

beforeEach(() => {
  vi.useFakeTimers();
  FakeObserver.all = [];
  vi.stubGlobal("IntersectionObserver", SeesAll);
  fakeUrls();
  el = document.createElement("div");
  document.body.replaceChildren(el);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Everything is in view, as soon as it is looked for. */
class SeesAll {
  readonly #tell: IntersectionObserverCallback;
  constructor(tell: IntersectionObserverCallback) {
    this.#tell = tell;
  }
  observe(target: Element): void {
    const entry = { isIntersecting: true, target } as IntersectionObserverEntry;
    queueMicrotask(() => this.#tell([entry], this as unknown as IntersectionObserver));
  }
  unobserve(): void {}
  disconnect(): void {}
}

const find = <E extends HTMLElement = HTMLElement>(selector: string) => el.querySelector<E>(selector) as E;
const all = (selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];

function card(changes: Partial<Card> = {}): Card {
  return {
    shot: { prompt: "A lighthouse", scene: "scene-001" },
    status: "waiting",
    active: false,
    message: "",
    progress: 0,
    eta: null,
    error: null,
    takes: [],
    chosen: null,
    seconds: null,
    edited: false,
    drawing: false,
    picture: null,
    ...changes,
  };
}

function film(cards: Record<string, Card>, changes: Partial<TimelineState> = {}): TimelineState {
  return {
    seq: 0,
    title: "Lighthouse",
    order: Object.keys(cards),
    cards,
    seconds: 0,
    complete: 0,
    missing: Object.keys(cards).length,
    active: 0,
    progress: 0,
    left: null,
    undo: false,
    drawer: false,
    pictures: ["keyframe", "end_keyframe"],
    inputs: { steps: 20 },
    complaint: null,
    exported: null,
    ...changes,
  };
}

async function open(state: TimelineState) {
  const fake = new FakeTimeline(state);
  const cleanup = timelineView.render({ model: fake.model as never, el });
  await settle();
  return { fake, cleanup };
}

const THREE = { a: card(), b: card(), c: card() };

test("both sides say the same words", () => {
  expect(Object.keys(card()).sort()).toEqual(wire.card);
  expect(Object.keys(film({})).sort()).toEqual(wire.timeline.state);
});

test("nothing is left behind", async () => {
  const { fake, cleanup } = await open(film(THREE));
  cleanup();
  expect(el.childElementCount).toBe(0);
  expect(fake.listening).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  [card(), "No take yet", "Generate"],
  [card({ active: true }), "Waiting for its turn", "Stop"],
  [card({ status: "queued", active: true, message: "next" }), "Queued, next", "Stop"],
  [card({ status: "running", active: true, progress: 0.47, eta: 80 }), "Running 47 %, 1:20 left", "Stop"],
  [card({ status: "complete" }), "Complete", "Another take"],
  [card({ status: "complete", edited: true }), "Complete, edited since", "Generate"],
  [card({ status: "cancelled" }), "Cancelled", "Again"],
])("a state in words and what can be done (%#)", async (one, words, does) => {
  const { fake } = await open(film({ a: one }));
  expect(find(".cw-word").textContent).toBe(words);
  expect(find(".cw-card").getAttribute("aria-label")).toBe(`a, 1 of 1, ${words}`);
  const go = find(".cw-do button");
  expect(go.textContent).toBe(does);
  go.click();
  expect(fake.asked(does === "Stop" ? "stop" : "generate")).toMatchObject([{ shots: ["a"] }]);
});

test("what differs is laid on what is there; a gap is asked about", async () => {
  const { fake } = await open(film(THREE));
  await fake.tell(1, { cards: { b: { status: "running", active: true, progress: 0.5 } }, active: 1 });
  expect(all(".cw-word").map(({ textContent }) => textContent)).toEqual([
    "No take yet",
    "Running 50 %",
    "No take yet",
  ]);
  await fake.tell(1, { cards: { b: { progress: 0.9 } } });
  expect(all(".cw-word")[1]?.textContent).toBe("Running 50 %");
  await vi.waitFor(() => expect(fake.asked("snapshot")).toHaveLength(1));
  await fake.answer(fake.asked("snapshot")[0], { state: film(THREE, { seq: 1 }), late: 0 });
  await fake.tell(4, { title: "Other" });
  expect(find(".cw-title").textContent).toBe("Other");
  expect(fake.asked("snapshot")).toHaveLength(2);
  const whole = film({ c: card({ status: "complete" }) }, { seq: 4 });
  await fake.answer(fake.asked("snapshot")[1], { state: whole, late: 0 });
  expect(all(".cw-card")).toHaveLength(1);
  await fake.tell(5, { cards: { c: { status: "lost" } } });
  expect(find(".cw-word").textContent).toBe("Lost");
});

test("a kernel that does not answer is said, and the keys of a card go on", async () => {
  const { fake } = await open(film(THREE));
  const [a, b] = all(".cw-card");
  const press = (on: Element | undefined, key: string, more = {}) =>
    on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  a?.focus();
  press(a, "ArrowRight");
  expect(document.activeElement).toBe(b);
  press(b, "ArrowLeft", { altKey: true });
  expect(fake.asked("move")).toMatchObject([{ shot: "b", to: 0 }]);
  press(b, "z", { ctrlKey: true });
  expect(fake.asked("undo")).toHaveLength(1);
  vi.advanceTimersByTime(2100);
  expect(find(".cw-foot .cw-warn").textContent).toBe("Waiting for the kernel");
  for (const question of [...fake.sent]) await fake.answer(question, { state: film(THREE), late: 0 });
  expect(find(".cw-foot .cw-warn").textContent).toBe("");
});

test("what is typed is never taken away", async () => {
  const { fake } = await open(film({ a: card() }));
  const prompt = find<HTMLTextAreaElement>(".cw-words");
  const type = (text: string) => {
    prompt.value = text;
    prompt.dispatchEvent(new Event("input"));
  };
  type("A hill");
  await fake.tell(1, { cards: { a: { shot: { prompt: "Said in Python" } } } });
  expect(prompt.value).toBe("A hill");
  vi.advanceTimersByTime(400);
  expect(fake.asked("edit")).toMatchObject([{ shot: "a", changes: { prompt: "A hill" }, typing: true }]);
  type("A hill at");
  await fake.answer(fake.asked("edit")[0]);
  await fake.tell(2, { cards: { a: { shot: { prompt: "A hill" } } } });
  expect(prompt.value).toBe("A hill at");
  vi.advanceTimersByTime(400);
  await fake.answer(fake.asked("edit")[1]);
  await fake.tell(3, { cards: { a: { shot: { prompt: "A hill at dusk" } } } });
  expect(prompt.value).toBe("A hill at dusk");
});

test("what was refused stays to be corrected", async () => {
  const { fake } = await open(film({ a: card() }));
  find(".cw-do button:last-child").click();
  await settle();
  const seed = all(".cw-field input")[5] as HTMLInputElement;
  seed.value = "seven";
  seed.dispatchEvent(new Event("change"));
  expect(fake.asked("edit")).toMatchObject([{ changes: { seed: "seven" } }]);
  await fake.refuse(fake.asked("edit")[0], "seed of a shot can't be 'seven'.");
  expect(seed.value).toBe("seven");
  expect(seed.getAttribute("aria-invalid")).toBe("true");
  expect(find(".cw-err").textContent).toContain("can't be 'seven'");
});

test("the drawer says enhancers and inputs as lists and numbers", async () => {
  const shot = { prompt: "x", enhancers: { Mood: ["calm"] }, inputs: { cfg: 5 } };
  const { fake } = await open(film({ a: card({ shot }) }));
  find(".cw-do button:last-child").click();
  await settle();
  const field = (name: string) =>
    all(".cw-field")
      .find((one) => one.textContent === name)
      ?.querySelector("input") as HTMLInputElement;
  expect(field("Mood").value).toBe("calm");
  expect(field("steps").placeholder).toBe("20");
  for (const [name, value] of [
    ["Lens", "35 mm, shallow"],
    ["steps", "30"],
  ] as const) {
    field(name).value = value;
    field(name).dispatchEvent(new Event("change"));
  }
  expect(fake.asked("edit").map(({ changes }) => changes)).toEqual([
    { enhancers: { Mood: ["calm"], Lens: ["35 mm", "shallow"] } },
    { inputs: { cfg: 5, steps: 30 } },
  ]);
});

test("cards keep their elements when the order is another, and gone ones go", async () => {
  const { fake } = await open(film(THREE));
  const [a, b, c] = all(".cw-card");
  await fake.tell(1, { order: ["c", "a", "d"], cards: { d: card() } });
  expect(all(".cw-card").slice(0, 2)).toEqual([c, a]);
  expect(b?.isConnected).toBe(false);
  expect(all(".cw-card")[2]?.getAttribute("aria-label")).toBe("d, 3 of 3, No take yet");
});

test("errors stand where they happened, the first three whole", async () => {
  const bad = (id: string, what: string) =>
    card({
      status: "error",
      error: { where: `Scene s, shot ${id}`, what, hint: "Try again.", details: ["line"] },
    });
  const five = {
    a: bad("a", "One."),
    b: bad("b", "Two."),
    c: bad("c", "Three."),
    d: bad("d", "Four."),
    e: bad("e", "Five."),
  };
  const { fake } = await open(film(five));
  expect(all(".cw-err")).toHaveLength(4);
  expect(all(".cw-err")[3]?.textContent).toContain("2 more shots failed");
  // What is equal is said once, and tried again together.
  await fake.tell(1, { cards: { c: bad("c", "One."), d: bad("d", "One.") } });
  expect(all(".cw-err").map(({ textContent }) => textContent)).toEqual([
    "Scene s, shot a and 2 more: One. Try again. The other shots go on.Againline",
    "Scene s, shot b: Two. Try again. The other shots go on.Againline",
    "Scene s, shot e: Five. Try again. The other shots go on.Againline",
  ]);
  find(".cw-err button").click();
  expect(fake.asked("generate")).toMatchObject([{ shots: ["a", "c", "d"] }]);
  await fake.tell(2, {
    cards: { a: { status: "queued", error: null } },
    complaint: {
      what: "film.json was changed.",
      hint: "",
      does: [
        ["reload", "Take theirs"],
        ["save", "Keep mine"],
      ],
    },
  });
  const [theirs, mine] = all(".cw-err button");
  theirs?.click();
  mine?.click();
  expect(fake.asked("reload")).toHaveLength(1);
  expect(fake.asked("save")).toMatchObject([{ anyway: true }]);
});

test("a large image goes in pieces", async () => {
  const { fake } = await open(film({ a: card() }));
  const pieces: number[] = [];
  vi.spyOn(fake, "send").mockImplementation((...sent: unknown[]) => {
    fake.sent.push(sent[0] as never);
    const [piece] = (sent[2] ?? []) as ArrayBuffer[];
    if (piece) pieces.push(piece.byteLength);
  });
  find(".cw-do button:last-child").click();
  await settle();
  const input = all("input[type=file]")[1] as HTMLInputElement;
  const file = new File([new Uint8Array(9_000_000)], "a.png", { type: "image/png" });
  Object.defineProperty(input, "files", { value: [file] });
  input.dispatchEvent(new Event("change"));
  for (let n = 0; n < 3; n++) {
    await vi.waitFor(() => expect(fake.asked("drop")).toHaveLength(n + 1));
    await fake.answer(fake.asked("drop")[n]);
  }
  expect(pieces).toEqual([4_000_000, 4_000_000, 1_000_000]);
  expect(fake.asked("drop").map(({ offset }) => offset)).toEqual([0, 4_000_000, 8_000_000]);
  expect(
    fake.asked("drop").every(({ field, file: name }) => field === "end_keyframe" && name === "a.png"),
  ).toBe(true);
});

test("an image that is dropped becomes the keyframe, and on the right half the end", async () => {
  const { fake } = await open(film({ a: card() }));
  const one = find(".cw-card");
  one.focus();
  await settle();
  one.getBoundingClientRect = () => ({ left: 100, width: 200 }) as DOMRect;
  const drag = (name: string, clientX: number, type = "image/png") => {
    const dataTransfer = { types: ["Files"], files: [new File(["x"], "a.png", { type })] };
    const event = new Event(name, { bubbles: true, cancelable: true });
    find(".cw-words").dispatchEvent(Object.assign(event, { dataTransfer, clientX }));
  };
  drag("dragover", 120);
  expect(find(".cw-drop [data-on]").textContent).toBe("Keyframe");
  drag("dragover", 280);
  expect(find(".cw-drop [data-on]").textContent).toBe("End keyframe");
  drag("drop", 280);
  expect(find(".cw-drop")).toBeNull();
  await vi.waitFor(() => expect(fake.asked("drop")).toMatchObject([{ shot: "a", field: "end_keyframe" }]));
  drag("drop", 120);
  await vi.waitFor(() => expect(fake.asked("drop")).toMatchObject([{}, { shot: "a", field: "keyframe" }]));
  drag("drop", 120, "text/plain");
  expect(find(".cw-err").textContent).toContain("a.png is no image");
  await fake.tell(1, { pictures: [] });
  drag("dragover", 120);
  expect(find(".cw-drop [data-on]")).toBeNull();
  drag("drop", 120);
  expect(find(".cw-err").textContent).toContain("takes no keyframe");
  expect(fake.asked("drop")).toHaveLength(2);
});

test("without a take the card shows both keyframes, or why there is none", async () => {
  const shot = { prompt: "x", keyframe: "a.png", end_keyframe: "b.png" };
  const { fake } = await open(film({ a: card({ shot }) }));
  expect(fake.asked("keyframe")).toMatchObject([{ field: "keyframe" }, { field: "end_keyframe" }]);
  await fake.refuse(fake.asked("keyframe")[0], "a.png does not exist. Drop an image on the card.");
  await fake.answer(fake.asked("keyframe")[1], {}, [new ArrayBuffer(1)]);
  expect(find(".cw-stills").textContent).toBe("a.png does not exist. Drop an image on the card.");
  expect(all(".cw-stills img")).toHaveLength(1);
  await fake.tell(1, { cards: { a: { status: "error" } } });
  expect(fake.asked("keyframe")).toHaveLength(3);
  await fake.answer(fake.asked("keyframe")[2], {}, [new ArrayBuffer(1)]);
  expect(all(".cw-stills img")).toHaveLength(2);
});

test("the film goes from one take to the next", async () => {
  const parts = {
    a: card({ status: "complete", chosen: "1" }),
    b: card({ status: "complete", chosen: "2" }),
  };
  const { fake } = await open(film(parts, { complete: 2 }));
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response("", { status: 206, headers: { "Content-Range": "bytes 0-0/9" } })),
  );
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  HTMLElement.prototype.scrollIntoView = () => {};
  find(".cw-foot button").click();
  await settle();
  const one = (shot: string) => ({ ...take({ id: shot, place: `${shot}.mp4`, size: 9, seconds: 2 }), shot });
  await fake.answer(fake.asked("film")[0], { film: [one("a"), one("b")] });
  await settle();
  const videos = all(".cw-film-screen video");
  expect(videos.map((video) => video.getAttribute("src"))).toEqual(["a.mp4", "b.mp4"]);
  expect(videos.map(({ hidden }) => hidden)).toEqual([false, true]);
  videos[0]?.dispatchEvent(new Event("ended"));
  expect(videos.map(({ hidden }) => hidden)).toEqual([true, false]);
  expect(find(".cw-shots [data-on]").textContent).toBe("b");
  expect(find(".cw-film .cw-num").textContent).toBe("2.0 / 4.0 s");
  videos[1]?.dispatchEvent(new Event("ended"));
  expect(find(".cw-film .cw-go").getAttribute("aria-label")).toBe("Play film");
});

test("a field adopts what the kernel says", () => {
  const input = document.createElement("input");
  const draw = bound(input, async () => {});
  draw("one");
  expect(input.value).toBe("one");
  draw("two");
  expect(input.value).toBe("two");
});
