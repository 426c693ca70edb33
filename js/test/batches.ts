// States of batches and sweeps as the kernel tells them.
import type { BatchState, ItemState, SweepState, TakeOf } from "../src/batch/state";

export const HURT = "<img src=x onerror=alert(1)>";
export const ERROR = {
  where: "Scene scene-001, shot b",
  what: "Out of memory.",
  hint: "Try fewer frames.",
  details: ["one"],
};

export function take(changes: Partial<TakeOf> = {}): TakeOf {
  return { id: "t.1", poster: "data:p", kind: "video", seconds: 5, ratio: 1.78, cached: false, ...changes };
}

export function item(label: string, changes: Partial<ItemState> = {}): ItemState {
  return {
    label,
    scene: "scene-001",
    prompt: "A lighthouse",
    status: "waiting",
    message: "",
    progress: 0,
    eta: null,
    took: null,
    attempts: 1,
    error: null,
    take: null,
    ...changes,
  };
}

export const done = (label: string) =>
  item(label, { status: "complete", take: take({ id: label }), took: 153 });
export const broken = (label: string) => item(label, { status: "error", error: ERROR });

export function batch(items: ItemState[], changes: Partial<BatchState> = {}): BatchState {
  return {
    seq: 0,
    title: `${items.length} shots`,
    items,
    complete: 0,
    cached: 0,
    failed: 0,
    active: 0,
    waiting: 0,
    progress: 0,
    left: null,
    opened: [],
    ...changes,
  };
}

export const axis = (name: string, ...values: string[]) => ({
  name,
  values: values.map((value) => [value, value] as [string, string]),
});

export function sweep(items: ItemState[], changes: Partial<SweepState> = {}): SweepState {
  return { ...batch(items), axes: [axis("seed", "0", "1")], pairs: false, same: [], ...changes };
}
