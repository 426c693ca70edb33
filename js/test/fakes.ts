import { vi } from "vitest";
import type { Act, JobState, Model, State, TakeState, Told } from "../src/lib/wire";

export function job(changes: Partial<JobState> = {}): JobState {
  return {
    status: "running",
    title: "shot-01",
    message: "KSampler, step 9 of 20",
    progress: 0.47,
    elapsed: 72,
    eta: 80,
    age: 0,
    source: "socket",
    preview: 0,
    error: null,
    acts: ["stop"] as Act[],
    ...changes,
  };
}

export function take(changes: Partial<TakeState> = {}): TakeState {
  return {
    id: "9f3a.1",
    title: "shot-01",
    file: "scene-001_shot-01_9f3ac21b04de.mp4",
    kind: "video",
    media_type: "video/mp4",
    size: 2_500_000,
    width: 1280,
    height: 544,
    fps: 24,
    frames: 120,
    seconds: 5,
    inputs: { prompt: "A lighthouse at dusk", seed: 7 },
    made: "2026-11-03T10:00:00Z",
    server: "gpu-1",
    render_seconds: 153.2,
    simulated: false,
    cached: false,
    take_number: 1,
    poster: null,
    place: null,
    also: [],
    ...changes,
  };
}

export function state(changes: Partial<State> = {}): State {
  return { seq: 0, job: null, take: null, ...changes };
}

interface Question {
  id: string;
  kind: string;
  name: string;
  [field: string]: unknown;
}

/** A model as anywidget hands it to a view, with the kernel's side of it in the test's hands. */
export class FakeModel {
  readonly sent: Question[] = [];
  widget_manager: object | undefined;
  readonly listeners = new Map<string, Set<(...args: unknown[]) => void>>();
  state: Told;

  constructor(
    first: Told = state(),
    readonly more: Record<string, unknown> = {},
  ) {
    this.state = first;
  }

  get model(): Model {
    return this as unknown as Model;
  }

  get(name: string): unknown {
    return name === "state" ? this.state : this.more[name];
  }

  on(event: string, listener: (...args: unknown[]) => void): void {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event)?.add(listener);
  }

  off(event: string, listener: (...args: unknown[]) => void): void {
    this.listeners.get(event)?.delete(listener);
  }

  send(question: Question): void {
    this.sent.push(question);
  }

  push(next: Told): void {
    this.state = next;
    this.#emit("change:state");
  }

  /** The questions of a name, oldest first. */
  asked(name: string): Question[] {
    return this.sent.filter((question) => question.name === name);
  }

  async answer(
    question: Question | undefined,
    fields: object = {},
    buffers: ArrayBuffer[] = [],
  ): Promise<void> {
    this.#emit(
      "msg:custom",
      { re: question?.id, ok: true, ...fields },
      buffers.map((buffer) => new DataView(buffer)),
    );
    await settle();
  }

  refuse(question: Question | undefined, error: string): Promise<void> {
    return this.answer(question, { ok: false, error });
  }

  get listening(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...args);
  }
}

/** Let everything happen that waits for promises only. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** Elements come into view when the test says so. */
export class FakeObserver {
  static all: FakeObserver[] = [];
  readonly #tell: IntersectionObserverCallback;
  watching = true;
  readonly targets = new Set<Element>();

  constructor(tell: IntersectionObserverCallback) {
    this.#tell = tell;
    FakeObserver.all.push(this);
  }

  static see(isIntersecting = true): void {
    for (const one of FakeObserver.all) one.tell(isIntersecting);
  }

  tell(isIntersecting: boolean): void {
    if (this.watching)
      this.#tell([{ isIntersecting } as IntersectionObserverEntry], this as unknown as IntersectionObserver);
  }

  /** Let some of what is observed come into view. */
  enter(...targets: Element[]): void {
    const entries = targets
      .filter((target) => this.targets.has(target))
      .map((target) => ({ target, isIntersecting: true }) as unknown as IntersectionObserverEntry);
    this.#tell(entries, this as unknown as IntersectionObserver);
  }

  observe(target: Element): void {
    this.targets.add(target);
  }

  unobserve(target: Element): void {
    this.targets.delete(target);
  }

  disconnect(): void {
    this.watching = false;
    this.targets.clear();
  }
}

/** Object URLs that are counted. */
export function fakeUrls(): { made: Blob[]; revoked: string[] } {
  const made: Blob[] = [];
  const revoked: string[] = [];
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    made.push(blob as Blob);
    return `blob:${made.length}`;
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => {
    revoked.push(url);
  });
  return { made, revoked };
}
