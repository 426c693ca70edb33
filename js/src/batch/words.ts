// An item in words.
import * as messages from "../lib/messages.json";
import { clock, percent, say } from "../lib/say";
import { STATES } from "../lib/states";
import type { ItemState } from "./state";

/** Its state, and how far it is. */
export function word({ status, message, progress, eta }: ItemState): string {
  if (status === "waiting") return messages.turn;
  const state = STATES[status];
  if (status === "running" || status === "saving") {
    const far = `${state} ${percent(progress)}`;
    // A moment is not told as 0:00.
    return eta === null || eta < 1 ? far : more(far, say(messages.left_short, { left: clock(eta) }));
  }
  return status === "queued" && message ? more(state, message) : state;
}

/** What else there is to say. */
export function aside({ status, message, error, take, took }: ItemState): string {
  if (error && status !== "cancelled") return `${error.what} ${error.hint}`;
  if (take?.cached) return messages.was_cached;
  if (take) return took === null || took < 1 ? "" : clock(took);
  return status === "queued" ? "" : message;
}

export function more(state: string, and: string): string {
  return say(messages.and_more, { state, more: and });
}

/** Whether it goes on, or may be stopped. */
export function going({ status }: ItemState): boolean {
  return status === "waiting" || status === "submitting" || status === "queued" || status === "running";
}

/** Whether nothing more comes of it by itself, and there is no take. */
export function wanting(item: ItemState): boolean {
  return !item.take && !going(item) && item.status !== "saving";
}

/** Whether there is anything to be shown of it: a take, how it comes, or why it failed. */
export function openable({ status, take, error }: ItemState): boolean {
  return take !== null || error !== null || (status !== "waiting" && status !== "cancelled");
}
