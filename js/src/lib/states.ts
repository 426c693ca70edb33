import * as messages from "./messages.json";
import type { Act, Status } from "./wire";

/** What people call the states of a job. */
export const STATES: Record<Status, string> = {
  submitting: messages.submitting,
  queued: messages.queued,
  running: messages.running,
  saving: messages.saving,
  complete: messages.complete,
  error: messages.error,
  cancelled: messages.cancelled,
  lost: messages.lost,
};

/** What can be done with one. */
export const ACTS: Record<Act, string> = {
  stop: messages.stop,
  again: messages.again,
  fetch: messages.fetch,
};
