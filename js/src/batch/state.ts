// What a batch is told as: whole once, and from then on what differs.
import type { Model, Status, Told } from "../lib/wire";

export interface Trouble {
  where: string;
  what: string;
  hint: string;
  details: string[];
}

export interface TakeOf {
  id: string;
  /** Its place; empty if only the kernel has it. */
  poster: string | null;
  kind: string;
  seconds: number | null;
  /** Its width by its height. */
  ratio: number | null;
  cached: boolean;
}

export interface ItemState {
  label: string;
  scene: string;
  prompt: string;
  status: Status | "waiting";
  message: string;
  progress: number;
  eta: number | null;
  took: number | null;
  attempts: number;
  error: Trouble | null;
  take: TakeOf | null;
}

export interface BatchState extends Told {
  title: string;
  items: ItemState[];
  complete: number;
  cached: number;
  failed: number;
  active: number;
  /** How many of the active have not begun. */
  waiting: number;
  progress: number;
  left: number | null;
  /** Which items the stage shows. */
  opened: number[];
}

/** A value on an axis: what is shown of it, and the whole. */
export type Value = [text: string, whole: string];

export interface SweepState extends BatchState {
  axes: { name: string; values: Value[] }[];
  /** Whether the axes go together instead of being combined. */
  pairs: boolean;
  /** Equal in all: name and value; the prompt has no name. */
  same: [name: string, text: string][];
}

interface Delta {
  seq?: number;
  delta?: Partial<Omit<BatchState, "items">> & { items?: Record<string, Partial<ItemState>> };
}

/** Keep the model's state at what the kernel's messages make of it; a gap shows in its number, and is asked about. */
export function keep(model: Model<BatchState>, signal: AbortSignal): void {
  const heard = ({ seq, delta }: Delta) => {
    const before = model.get("state");
    // With two views of one model the second finds it done.
    if (!delta || seq === undefined || seq <= before.seq) return;
    const items = before.items.map((item, at) => {
      const change = delta.items?.[at];
      return change ? { ...item, ...change } : item;
    });
    model.set("state", { ...before, ...delta, items, seq });
  };
  model.on("msg:custom", heard);
  signal.addEventListener("abort", () => model.off("msg:custom", heard));
}
