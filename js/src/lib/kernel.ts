// Questions to the kernel and their answers, by custom messages.
import * as messages from "./messages.json";
import type { Answer, Wire } from "./wire";

const PATIENCE_MS = 2000;
const LONGEST_MS = 30_000;

interface Waiting {
  done: (answer: Answer, buffers: DataView[]) => void;
  /** When it was asked, or asked again: how long a question was lost tells nothing of the kernel. */
  sent?: number;
  /** Wait for the answer from now on. */
  wait: () => void;
  forget: () => void;
}

export type Reply = [Answer, DataView[]];

/** The kernel's side of one view. */
export class Kernel {
  /** Whether it has answered anything: a view restored from a saved notebook may have none. */
  heard = false;

  readonly #model: Wire;
  readonly #name = Math.random().toString(36).slice(2);
  readonly #open = new Map<string, Waiting>();
  readonly #late = new Set<string>();
  readonly #listeners: ((late: boolean) => void)[] = [];
  #count = 0;
  #patience = PATIENCE_MS;

  constructor(model: Wire, signal: AbortSignal) {
    this.#model = model;
    const heard = (answer: Answer, buffers: DataView[]) => this.#heard(answer, buffers);
    model.on("msg:custom", heard);
    signal.addEventListener("abort", () => {
      model.off("msg:custom", heard);
      for (const id of [...this.#open.keys()]) this.#close(id);
    });
  }

  /** Be told when a question has been open for two seconds, and when none is any more. */
  onLate(listener: (late: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** Where a file beside the notebook is for the page. */
  async resolve(path: string): Promise<string> {
    const manager = this.#model.widget_manager as { resolveUrl?: (path: string) => string | Promise<string> };
    return (await manager?.resolveUrl?.(path)) ?? path;
  }

  /**
   * Ask for something; rejected with the kernel's sentence if it refuses. An aborted question is forgotten.
   *
   * Asked again when it is late: a reconnect may have swallowed it, or it waits behind a cell on the main thread,
   * since it was sent before JupyterLab had made the thread for widgets. Reading twice does no harm.
   */
  read(name: string, body: object = {}, signal?: AbortSignal): Promise<Reply> {
    return this.#ask({ kind: "read", name, ...body }, signal);
  }

  /** Ask for something to be done. */
  act(name: string, body: object = {}, buffers?: ArrayBuffer[]): Promise<Reply> {
    return this.#ask({ kind: "act", name, ...body }, undefined, buffers);
  }

  #ask(
    message: { kind: "read" | "act"; name: string },
    signal?: AbortSignal,
    buffers?: ArrayBuffer[],
  ): Promise<Reply> {
    const id = `${this.#name}-${++this.#count}`;
    const question = { ...message, id };
    return new Promise((resolve, reject) => {
      // Nobody would hear the answer, so that it would be asked for again and again.
      signal?.throwIfAborted();
      const end = (reason: unknown) => {
        this.#close(id);
        reject(reason);
      };
      const aborted = () => end(signal?.reason);
      let timer: ReturnType<typeof setTimeout>;
      // One that stays late asks less and less, and only the one that waits longest: a kernel that was busy for minutes
      // would answer all of them.
      const wait = (ms = this.#patience, first = true) => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          this.#mark(id, true);
          const asks = first || this.#open.keys().next().value === id;
          if (asks && message.kind === "read") this.#send(question, end);
          wait(Math.min(2 * ms, LONGEST_MS), false);
        }, ms);
      };
      signal?.addEventListener("abort", aborted);
      this.#open.set(id, {
        done: (answer, buffers) => (answer.ok ? resolve([answer, buffers]) : reject(new Error(answer.error))),
        wait,
        forget: () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", aborted);
        },
      });
      wait();
      this.#send(question, end, buffers);
    });
  }

  #send(question: { id: string }, end: (reason: unknown) => void, buffers?: ArrayBuffer[]): void {
    (this.#open.get(question.id) as Waiting).sent = performance.now();
    try {
      this.#model.send(question, undefined, buffers);
    } catch {
      end(new Error(messages.no_kernel));
    }
  }

  #heard(answer: Answer, buffers: DataView[]): void {
    const waiting = this.#open.get(answer.re);
    if (!waiting) return; // another view's, or answered already
    this.heard = true;
    // On a slow line a piece takes seconds: asking again would make it slower.
    const took = performance.now() - (waiting.sent as number);
    this.#patience = Math.min(LONGEST_MS, Math.max(PATIENCE_MS, 3 * took));
    this.#close(answer.re);
    // It speaks again: what it has not answered soon is lost.
    for (const other of this.#open.values()) other.wait();
    waiting.done(answer, buffers);
  }

  #close(id: string): void {
    this.#open.get(id)?.forget();
    this.#open.delete(id);
    this.#mark(id, false);
  }

  #mark(id: string, late: boolean): void {
    const before = this.#late.size > 0;
    if (late) this.#late.add(id);
    else this.#late.delete(id);
    if (before === this.#late.size > 0) return;
    for (const listener of this.#listeners) listener(!before);
  }
}
