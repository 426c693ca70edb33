// Questions to the kernel and their answers, by custom messages.
import { say } from "./say";
import type { Act, Answer, Model } from "./wire";

const PATIENCE_MS = 2000;

interface Waiting {
  done: (answer: Answer, buffers: DataView[]) => void;
  late: ReturnType<typeof setTimeout>;
  forget: () => void;
}

export type Reply = [Answer, DataView[]];

/** The kernel's side of one view. */
export class Kernel {
  /** Whether it has answered anything: a view restored from a saved notebook may have none. */
  heard = false;

  readonly #model: Model;
  readonly #name = Math.random().toString(36).slice(2);
  readonly #open = new Map<string, Waiting>();
  readonly #late = new Set<string>();
  readonly #listeners: ((late: boolean) => void)[] = [];
  #count = 0;

  constructor(model: Model, signal: AbortSignal) {
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

  /**
   * Ask for something; rejected with the kernel's sentence if it refuses. An aborted question is forgotten.
   *
   * Asked once more when it is late: a reconnect may have swallowed it, or it waits behind a cell on the main thread,
   * since it was sent before JupyterLab had made the thread for widgets. Reading twice does no harm.
   */
  read(name: string, body: object = {}, signal?: AbortSignal): Promise<Reply> {
    return this.#ask({ kind: "read", name, ...body }, signal);
  }

  /** Ask for something to be done. */
  act(name: Act): Promise<Reply> {
    return this.#ask({ kind: "act", name });
  }

  #ask(message: { kind: "read" | "act"; name: string }, signal?: AbortSignal): Promise<Reply> {
    const id = `${this.#name}-${++this.#count}`;
    const question = { ...message, id };
    return new Promise((resolve, reject) => {
      const end = (reason: unknown) => {
        this.#close(id);
        reject(reason);
      };
      const aborted = () => end(signal?.reason);
      const late = () => {
        this.#mark(id, true);
        if (message.kind === "read") this.#send(question, end);
      };
      signal?.addEventListener("abort", aborted);
      this.#open.set(id, {
        done: (answer, buffers) =>
          answer.ok ? resolve([answer, buffers]) : reject(new Error(answer.error ?? "")),
        late: setTimeout(late, PATIENCE_MS),
        forget: () => signal?.removeEventListener("abort", aborted),
      });
      this.#send(question, end);
    });
  }

  #send(question: object, end: (reason: unknown) => void): void {
    try {
      this.#model.send(question);
    } catch {
      end(new Error(say("no_kernel")));
    }
  }

  #heard(answer: Answer, buffers: DataView[]): void {
    const waiting = this.#open.get(answer.re);
    if (!waiting) return; // another view's, or answered already
    this.heard = true;
    this.#close(answer.re);
    waiting.done(answer, buffers);
  }

  #close(id: string): void {
    const waiting = this.#open.get(id);
    clearTimeout(waiting?.late);
    waiting?.forget();
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
