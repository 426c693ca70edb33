// One take's bytes in the page: fetched when it can be seen, let go when others have been seen since.

import type { Kernel } from "./kernel";
import { posterOf } from "./poster";
import { fromKernel, type Source, sourceOf } from "./pull";
import { gone, type Resident, seen } from "./resident";
import type { Screen } from "./screen";
import { watchView } from "./visible";
import type { TakeState } from "./wire";

export class Reel implements Resident {
  readonly #take: TakeState;
  readonly #screen: Screen;
  readonly #kernel: Kernel;
  #source: Source;
  readonly #life: AbortSignal;
  readonly #tell: (there: boolean) => void;
  #url: Promise<string | null> | undefined;
  #blob = "";
  #fetch = new AbortController();
  #visible = false;

  /** `tell` hears whether the bytes could be had. */
  constructor(
    take: TakeState,
    screen: Screen,
    kernel: Kernel,
    life: AbortSignal,
    tell: (there: boolean) => void = () => {},
  ) {
    this.#tell = tell;
    this.#take = take;
    this.#screen = screen;
    this.#kernel = kernel;
    this.#source = sourceOf(kernel, take.kind === "video" ? (url) => screen.ready(url) : undefined);
    this.#life = life;
    life.addEventListener("abort", () => this.#forget());
  }

  /** Show the poster, and load whenever the screen can be seen. */
  async begin(): Promise<void> {
    const { kind, place } = this.#take;
    this.#poster();
    if (kind !== "video" && kind !== "image") return;
    const tell = (visible: boolean) => {
      this.#visible = visible;
      if (visible) this.load();
      else if (this.#url) seen(this, false);
    };
    watchView(this.#screen.el, tell, this.#life);
    // An observer speaks with the next frame, which is late in a page that is being built. The kernel is not asked earlier:
    // JupyterLab would not have its thread for widgets yet, and the question would wait for the cell.
    await null; // until it is in the page
    const { top, bottom } = this.#screen.el.getBoundingClientRect();
    if (place && bottom > 0 && top < innerHeight && !this.#life.aborted) this.load();
  }

  async #poster(): Promise<void> {
    if (this.#take.place) await this.#screen.pictured();
    const url = await posterOf(this.#take, this.#kernel, this.#life);
    if (url && !this.#life.aborted) this.#screen.poster(url);
  }

  /** The URL of the bytes; null if they can't be had or are not wanted any more. */
  load(): Promise<string | null> {
    this.#url ??= this.#load();
    seen(this, true);
    return this.#url;
  }

  /** The bytes that are there can't be played: fetch them another way, if there is one. */
  retry(): boolean {
    if (this.#blob) return false;
    // What the server has does not play; the kernel can say why.
    this.#source = fromKernel(this.#kernel);
    this.#forget();
    this.load();
    return true;
  }

  needed(): boolean {
    return this.#visible || this.#screen.playing;
  }

  letGo(): void {
    this.#forget();
    this.#screen.rest();
  }

  async #load(): Promise<string | null> {
    const signal = AbortSignal.any([this.#life, this.#fetch.signal]);
    const { size } = this.#take;
    try {
      this.#screen.progress(0, size);
      const url = await this.#source(this.#take, (done) => this.#screen.progress(done, size), signal);
      if (url.startsWith("blob:")) this.#blob = url;
      this.#tell(true);
      this.#screen.ready(url);
      return url;
    } catch (error) {
      if (signal.aborted) return null;
      this.#url = undefined; // so that the next call tries again
      this.#screen.fail((error as Error).message);
      this.#tell(false);
      return null;
    }
  }

  #forget(): void {
    gone(this);
    this.#fetch.abort();
    this.#fetch = new AbortController();
    if (this.#blob) URL.revokeObjectURL(this.#blob);
    this.#blob = "";
    this.#url = undefined;
  }
}
