// What a timeline is told as: whole once, and from then on what differs.
import type { Model, Status, Told } from "../lib/wire";

export interface ShotState {
  scene?: string;
  title?: string;
  prompt?: string;
  purpose?: string;
  negative?: string;
  keyframe?: string;
  end_keyframe?: string;
  seed?: number;
  seconds?: number;
  enhancers?: Record<string, string[]>;
  inputs?: Record<string, unknown>;
}

export interface Trouble {
  where: string;
  what: string;
  hint: string;
  details: string[];
}

export interface Strip {
  id: string;
  /** Its place; empty if only the kernel has it. */
  poster: string | null;
  seed: unknown;
}

/** A field of a shot that names a picture. */
export type Picture = "keyframe" | "end_keyframe";

export interface Card {
  shot: ShotState;
  status: Status | "waiting";
  /** Whether a take is being made, or waits to be. */
  active: boolean;
  message: string;
  progress: number;
  eta: number | null;
  error: Trouble | null;
  takes: Strip[];
  chosen: string | null;
  seconds: number | null;
  /** Whether the shot says something else than the chosen take was made for. */
  edited: boolean;
  /** Whether a keyframe is being made, and why none came. */
  drawing: boolean;
  picture: Trouble | null;
}

export interface TimelineState extends Told {
  title: string;
  order: string[];
  cards: Record<string, Card>;
  seconds: number;
  complete: number;
  missing: number;
  active: number;
  progress: number;
  left: number | null;
  undo: boolean;
  /** Whether there is a workflow that draws keyframes. */
  drawer: boolean;
  /** Which pictures the workflow takes. */
  pictures: Picture[];
  /** What else the workflow can be told, with what it has. */
  inputs: Record<string, unknown>;
  /** Why nothing is saved, and what can be done about it: an act and its words. */
  complaint: { what: string; hint: string; does: [act: string, words: string][] } | null;
  /** How far the film is that is being written. */
  exported: { words: string; over: boolean } | null;
}

interface Delta {
  seq?: number;
  delta?: Partial<Omit<TimelineState, "cards">> & { cards?: Record<string, Partial<Card>> };
}

/** Keep the model's state at what the kernel's messages make of it; a gap shows in its number, and is asked about. */
export function keep(model: Model<TimelineState>, signal: AbortSignal): void {
  const heard = ({ seq, delta }: Delta) => {
    const before = model.get("state");
    // With two views of one model the second finds it done.
    if (!delta || seq === undefined || seq <= before.seq) return;
    const state = { ...before, ...delta, seq } as TimelineState;
    state.cards = merged(before.cards, delta.cards ?? {}, delta.order);
    model.set("state", state);
  };
  model.on("msg:custom", heard);
  signal.addEventListener("abort", () => model.off("msg:custom", heard));
}

function merged(
  before: Record<string, Card>,
  changes: Record<string, Partial<Card>>,
  order: string[] | undefined,
): Record<string, Card> {
  const cards = { ...before };
  for (const [id, change] of Object.entries(changes)) {
    const card = cards[id];
    if (card || change.shot) cards[id] = { ...card, ...change } as Card;
  }
  if (order) {
    const there = new Set(order);
    for (const id of Object.keys(cards)) if (!there.has(id)) delete cards[id];
  }
  return cards;
}
