import { afterEach, beforeEach, expect, test, vi } from "vitest";
import gallery from "../src/gallery";
import type { GalleryState, Item } from "../src/lib/wire";
import wire from "../src/lib/wire.json";
import { FakeModel, FakeObserver, fakeUrls, settle, take } from "./fakes";

let el: HTMLElement;
let fake: FakeModel;
let urls: ReturnType<typeof fakeUrls>;
let cleanup: () => void;

const HURT = "<img src=x onerror=alert(1)>";
const marks = (...ids: string[]): GalleryState => ({ seq: 0, marks: ids });

function item(n: number, changes: Partial<Item> = {}): Item {
  return {
    id: `t${n}.1`,
    title: `shot-${n}`,
    take_number: 1,
    scenes: [n % 2 ? "scene-1" : "scene-2"],
    shots: [`shot-${n}`],
    prompt: `A lighthouse at dusk, number ${n}`,
    seed: String(n * 100),
    seconds: 5,
    poster: "",
    ...changes,
  };
}

const some = (count: number) => Array.from({ length: count }, (_, n) => item(n + 1));

beforeEach(() => {
  FakeObserver.all = [];
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  Element.prototype.scrollIntoView = vi.fn();
  urls = fakeUrls();
  el = document.createElement("div");
  document.body.replaceChildren(el);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function show(items: Item[], state = marks()): void {
  fake = new FakeModel(state, { items });
  cleanup = gallery.render({ model: fake.model as never, el });
}

const all = <T extends HTMLElement>(selector: string) => [...el.querySelectorAll<T>(selector)];
const titles = () => all(".cw-tile b").map((one) => one.textContent);
const status = () => el.querySelector(".cw-filter [role=status]")?.textContent;
const named = (text: string) =>
  all<HTMLButtonElement>("button").find((one) => one.textContent === text) as HTMLButtonElement;
const star = (n: number) => all<HTMLButtonElement>(".cw-star")[n] as HTMLButtonElement;
const player = () => el.querySelector(".cw-player") as HTMLElement;

function write(selector: string, value: string): void {
  const field = el.querySelector(selector) as HTMLInputElement;
  field.value = value;
  field.dispatchEvent(new Event("input"));
}

/** Let tiles come into view; the last observer but one of the list is the one in use. */
function see(...at: number[]): void {
  const list = FakeObserver.all.find((one) => one.targets.size) as FakeObserver;
  const tiles = all("li");
  list.enter(...at.map((n) => tiles[n] as Element));
}

test("an item has the fields that the kernel sends", () => {
  show([item(1)]);
  expect(Object.keys(item(1)).sort()).toEqual(wire.item);
});

test("all takes are there, and how many", () => {
  show(some(3));
  expect(titles()).toEqual(["shot-1", "shot-2", "shot-3"]);
  expect(status()).toBe("3 takes");
  expect(el.querySelector(".cw-gallery")?.getAttribute("aria-label")).toBe("Gallery, 3 takes");
});

test("words, scene and shot narrow it together, and all can be shown again", () => {
  show(some(6));
  write("input", "DUSK 300");
  expect(titles()).toEqual(["shot-3"]);
  expect(status()).toBe("1 of 6 takes");
  write("select[aria-label=Scene]", "scene-2");
  expect(titles()).toEqual([]);
  expect(el.querySelector(".cw-none")?.textContent).toContain("No take fits.");
  named("Show all").click();
  expect(titles()).toHaveLength(6);
  write("select[aria-label=Scene]", "scene-2");
  write("select[aria-label=Shot]", "shot-4");
  expect(titles()).toEqual(["shot-4"]);
});

test("a choice of one is none", () => {
  show([item(1), item(1, { id: "x.1" })]);
  expect(all<HTMLSelectElement>("select").map((one) => one.hidden)).toEqual([true, true]);
});

test("shots are sorted as people count", () => {
  show([item(10), item(9)]);
  expect(all("select[aria-label=Shot] option").map((one) => one.textContent)).toEqual([
    "All shots",
    "shot-9",
    "shot-10",
  ]);
});

test("an empty gallery says what to do first", () => {
  show([]);
  expect(el.querySelector(".cw-none")?.textContent).toContain("No takes yet.");
  expect(named("Show all").hidden).toBe(true);
  expect(el.querySelector<HTMLElement>(".cw-filter")?.hidden).toBe(true);
});

test("a tile asks for its picture when it comes near, once", async () => {
  show(some(3));
  expect(fake.asked("poster")).toEqual([]);
  see(1);
  see(1);
  expect(fake.asked("poster").map(({ take }) => take)).toEqual(["t2.1"]);
  await fake.answer(fake.asked("poster")[0], {}, [new ArrayBuffer(2)]);
  expect(all("li")[1]?.querySelector("img")?.getAttribute("src")).toBe("blob:1");
  write("input", "200");
  see(0);
  expect(fake.asked("poster")).toHaveLength(1);
  cleanup();
  expect(urls.revoked).toEqual(["blob:1"]);
});

test("of very many the next tiles are made when the last of them comes near", () => {
  show(some(100));
  expect(all("li")).toHaveLength(40);
  see(39);
  expect(all("li")).toHaveLength(80);
  see(79);
  expect(all("li")).toHaveLength(100);
});

test("Enter opens a take in a player, Escape closes it and goes back", async () => {
  show(some(3));
  const tile = all<HTMLButtonElement>(".cw-tile")[1] as HTMLButtonElement;
  tile.focus();
  tile.click();
  const [question] = fake.asked("take");
  expect(question?.take).toBe("t2.1");
  await fake.answer(question, { take: take({ id: "t2.1", title: "shot-2" }) });
  expect(player().hidden).toBe(false);
  expect(player().getAttribute("aria-label")).toBe("shot-2");
  expect(tile.parentElement?.hasAttribute("data-open")).toBe(true);
  (document.activeElement as HTMLElement).blur();
  el.querySelector(".cw-open")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  expect(player().hidden).toBe(true);
  expect(document.activeElement).toBe(tile);
  expect(tile.parentElement?.hasAttribute("data-open")).toBe(false);
});

test("a take that cannot be opened says why", async () => {
  show(some(1));
  all(".cw-tile")[0]?.click();
  await fake.refuse(fake.asked("take")[0], "This take is not shown here any more.");
  expect(el.querySelector(".cw-gallery-note")?.textContent).toContain("not shown here");
});

test("a kernel that does not answer is named", async () => {
  vi.useFakeTimers();
  show(some(1));
  all(".cw-tile")[0]?.click();
  vi.advanceTimersByTime(2000);
  expect(el.querySelector(".cw-gallery-note")?.textContent).toContain("run the cell again");
  for (const question of fake.sent) await fake.answer(question, { take: take(), state: marks() });
  expect(el.querySelector<HTMLElement>(".cw-gallery-note")?.hidden).toBe(true);
  vi.useRealTimers();
});

test("a favourite is written down by the kernel", async () => {
  show(some(2), marks("t1.1"));
  expect([star(0), star(1)].map((one) => one.getAttribute("aria-pressed"))).toEqual(["true", "false"]);
  star(1).click();
  expect(fake.asked("mark").map(({ kind, take, on }) => [kind, take, on])).toEqual([["act", "t2.1", true]]);
  expect(star(1).getAttribute("aria-pressed")).toBe("true");
  fake.push({ seq: 1, marks: ["t1.1", "t2.1"] } as GalleryState);
  star(0).click();
  expect(fake.asked("mark")[1]?.on).toBe(false);
});

test("a mark that cannot be kept is taken back, with the reason", async () => {
  show(some(1));
  star(0).click();
  await fake.refuse(fake.asked("mark")[0], "The folder of takes can't be written.");
  expect(star(0).getAttribute("aria-pressed")).toBe("false");
  expect(el.querySelector(".cw-gallery-note")?.textContent).toContain("can't be written");
});

test("favourites alone, as they are marked", () => {
  show(some(3), marks("t2.1"));
  named("Favourites").click();
  expect(titles()).toEqual(["shot-2"]);
  fake.push({ seq: 1, marks: ["t2.1", "t3.1"] } as GalleryState);
  expect(titles()).toEqual(["shot-2", "shot-3"]);
});

test("a favourite that is one no more stays where it was, until something else is wanted", () => {
  show(some(3), marks("t1.1", "t2.1"));
  named("Favourites").click();
  star(0).focus();
  star(0).click();
  fake.push({ seq: 1, marks: ["t2.1"] } as GalleryState);
  expect(titles()).toEqual(["shot-1", "shot-2"]);
  expect(document.activeElement).toBe(star(0));
  expect(star(0).getAttribute("aria-pressed")).toBe("false");
  named("Favourites").click();
  named("Favourites").click();
  expect(titles()).toEqual(["shot-2"]);
});

test("the arrows go through the tiles, and only one is reached by Tab", () => {
  show(some(200));
  const tiles = () => all<HTMLButtonElement>(".cw-tile");
  expect(tiles().filter((one) => one.tabIndex === 0)).toEqual([tiles()[0]]);
  tiles()[0]?.focus();
  const press = (key: string) =>
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press("ArrowRight");
  expect(document.activeElement).toBe(tiles()[1]);
  expect(star(1).tabIndex).toBe(0);
  press("End");
  expect(document.activeElement).toBe(tiles()[199]);
  press("ArrowRight");
  expect(document.activeElement).toBe(tiles()[199]);
  press("Home");
  press("ArrowLeft");
  expect(document.activeElement).toBe(tiles()[0]);
});

test("prompts are text", () => {
  show([item(1, { title: HURT, prompt: `${HURT} twice` })]);
  expect(all(".cw-tiles img")).toEqual([]);
  expect(titles()).toEqual([HURT]);
});

test("it leaves nothing behind", async () => {
  show(some(2));
  all(".cw-tile")[0]?.click();
  await fake.answer(fake.asked("take")[0], { take: take() });
  cleanup();
  await settle();
  expect(el.childElementCount).toBe(0);
  expect(fake.listening).toBe(0);
  expect(FakeObserver.all.some((one) => one.watching && one.targets.size)).toBe(false);
});
