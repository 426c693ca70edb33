// Which takes of a gallery are wanted.
import { button, h, put } from "./dom";
import * as messages from "./messages.json";
import { say } from "./say";
import { toggle } from "./tools";
import type { Item } from "./wire";

export class Filter {
  readonly el: HTMLElement;
  readonly #words: HTMLInputElement;
  readonly #scene: HTMLSelectElement;
  readonly #shot: HTMLSelectElement;
  readonly #liked: HTMLButtonElement;
  readonly #count = h("span", { class: "cw-dim cw-num", role: "status" });
  readonly #texts = new Map<Item, string>();
  #only = false;

  /** `changed` is called when other takes are wanted. */
  constructor(items: Item[], changed: () => void) {
    this.#words = h("input", { type: "search", placeholder: messages.find, "aria-label": messages.find });
    this.#scene = choice(messages.scene, messages.all_scenes, names(items.flatMap(({ scenes }) => scenes)));
    this.#shot = choice(messages.shot, messages.all_shots, names(items.flatMap(({ shots }) => shots)));
    this.#liked = toggle(messages.favourites, false, (on) => {
      this.#only = on;
      changed();
    });
    for (const field of [this.#words, this.#scene, this.#shot]) field.addEventListener("input", changed);
    const grow = h("span", { class: "cw-grow" });
    const fields = [this.#words, this.#scene, this.#shot, this.#liked];
    this.el = h("div", { class: "cw-row cw-filter" }, ...fields, grow, this.#count);
    for (const item of items) this.#texts.set(item, textOf(item));
  }

  wanted(items: Item[], liked: ReadonlySet<string>): Item[] {
    const words = this.#words.value.toLowerCase().split(/\s+/);
    const [scene, shot] = [this.#scene.value, this.#shot.value];
    const fits = (item: Item) =>
      (!this.#only || liked.has(item.id)) &&
      (!scene || item.scenes.includes(scene)) &&
      (!shot || item.shots.includes(shot)) &&
      words.every((word) => this.#texts.get(item)?.includes(word));
    return items.filter(fits);
  }

  tell(shown: number, all: number): void {
    put(this.#count, shown === all ? count(all) : say(messages.fitting, { n: shown, count: count(all) }));
  }

  /** Want everything again. */
  clear(): void {
    for (const field of [this.#words, this.#scene, this.#shot]) field.value = "";
    if (this.#only) this.#liked.click();
    else this.#words.dispatchEvent(new Event("input"));
    this.#words.focus();
  }
}

/** "1 take", "200 takes". */
export function count(n: number): string {
  return n === 1 ? messages.one_take : say(messages.takes, { n });
}

/** What is shown where no take is. */
export function nothing(clear: () => void) {
  const words = h("span", {});
  const all = button("", clear, messages.show_all);
  const el = h("div", { class: "cw-none cw-dim", hidden: true }, words, all);
  return {
    el,
    tell(shown: number, of: number) {
      el.hidden = shown > 0;
      all.hidden = of === 0;
      put(words, of ? messages.none_fits : messages.no_takes);
    },
  };
}

function names(all: string[]): string[] {
  return [...new Set(all)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

function choice(label: string, all: string, values: string[]): HTMLSelectElement {
  const field = h("select", { "aria-label": label, title: label, hidden: values.length < 2 });
  field.append(h("option", { value: "" }, all));
  for (const value of values) field.append(h("option", { value }, value));
  return field;
}

function textOf({ title, prompt, seed, scenes, shots }: Item): string {
  return [title, prompt, seed ?? "", ...scenes, ...shots].join(" ").toLowerCase();
}
