// What travels between kernel and browser. The same lists stand in wire.json, which the tests of both sides read.
import type { AnyModel } from "@anywidget/types";

export type Status =
  | "submitting"
  | "queued"
  | "running"
  | "saving"
  | "complete"
  | "error"
  | "cancelled"
  | "lost";
/** The states that go on by themselves. */
export const MOVING: ReadonlySet<Status> = new Set(["submitting", "queued", "running", "saving"]);
export type Act = "stop" | "again" | "fetch";

export interface ErrorState {
  /** The shot, or nothing. */
  where: string;
  /** The whole place and what stands behind the error, line by line. */
  details: string[];
}

/** A job as `snapshot.py` tells it. Times are seconds at the moment of telling, so that clocks need not agree. */
export interface JobState {
  status: Status;
  title: string;
  message: string;
  progress: number;
  elapsed: number;
  eta: number | null;
  age: number;
  source: "socket" | "poll" | "cache";
  /** Counts the preview pictures; the picture itself is asked for. */
  preview: number;
  error: ErrorState | null;
  acts: Act[];
}

/** One file of a job. */
export interface FileState {
  /** What a piece of it is asked for by. */
  id: string;
  file: string;
  kind: string;
  media_type: string;
  size: number;
  width: number | null;
  height: number | null;
  fps: number | null;
  frames: number | null;
  seconds: number | null;
  /** The small picture: a data URI, or its place. */
  poster: string | null;
  /** Where it lies, relative to the notebook, if the page may reach it there. */
  place: string | null;
}

/** A take: the file that was chosen, what made it, and the other files of its job. */
export interface TakeState extends FileState {
  title: string;
  inputs: Record<string, unknown>;
  made: string;
  server: string;
  render_seconds: number | null;
  simulated: boolean;
  cached: boolean;
  take_number: number;
  also: FileState[];
}

/** What every `state` trait has. */
export interface Told {
  seq: number;
  job?: JobState | null;
  /** How many jobs it follows that go on. */
  active?: number;
}

/** The `state` trait of QueueBadge, VideoPlayer and JobView. */
export interface State extends Told {
  job: JobState | null;
  take: TakeState | null;
}

/** A named value: its name, what is shown of it, and the whole. */
export type Fact = [name: string, text: string, whole: string];

/** The `state` trait of Compare. */
export interface CompareState extends Told {
  takes: TakeState[];
  /** Equal in all. */
  same: Fact[];
  /** For each take, what is not. */
  each: Fact[][];
}

/** One take of a gallery, as much of it as a tile shows and a filter looks at. */
export interface Item {
  id: string;
  title: string;
  take_number: number;
  scenes: string[];
  shots: string[];
  prompt: string;
  seed: string | null;
  seconds: number | null;
  /** Its place; empty if only the kernel has it. */
  poster: string | null;
}

/** The `state` trait of Gallery; its `items` do not change. */
export interface GalleryState extends Told {
  /** The takes that somebody likes. */
  marks: string[];
}

/** One thing that was looked at: name, state, its word, what was found, what to do. */
export type Finding = [
  name: string,
  state: "ok" | "warn" | "bad" | "unknown",
  word: string,
  what: string,
  hint: string,
];

/** The `state` trait of CheckView. */
export interface CheckState extends Told {
  findings: Finding[];
}

// An alias, since an interface would not be assignable to anywidget's record of traits.
export type Traits<S extends Told = State> = { state: S };
export type Model<S extends Told = State> = AnyModel<Traits<S>>;

/** What questions and answers need of a model, whatever its state. */
export type Wire = Pick<AnyModel, "on" | "off" | "send" | "widget_manager">;

export interface Answer {
  re: string;
  ok: boolean;
  error?: string;
  [field: string]: unknown;
}
