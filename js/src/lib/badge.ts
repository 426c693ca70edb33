// One line that says what a job does, how far it is, how long it takes, and what can be done now.

import { build, fold, type Parts } from "./badge_parts";
import { attach, put } from "./dom";
import { result } from "./facts";
import type { Kernel } from "./kernel";
import { setMark } from "./mark";
import * as messages from "./messages.json";
import { clock, percent, say, span } from "./say";
import { ACTS } from "./states";
import { type Act, type JobState, MOVING, type Status, type TakeState } from "./wire";

const STALE_SECONDS = 30;

/** What has been asked for and not yet come true, and what came of the last question. */
interface Asked {
  act: Act | undefined;
  refused: string;
  late: boolean;
}

export class Badge {
  readonly #kernel: Kernel;
  readonly #parts = build(() => this.#go());
  readonly #asked: Asked = { act: undefined, refused: "", late: false };
  #job: JobState | undefined;
  #since = 0;
  #late = false;

  constructor(kernel: Kernel, signal: AbortSignal) {
    this.#kernel = kernel;
    kernel.onLate((late) => {
      this.#late = late;
      this.#draw();
    });
    const ticking = setInterval(() => this.#tick(), 1000);
    signal.addEventListener("abort", () => clearInterval(ticking));
  }

  get el(): HTMLElement {
    return this.#parts.el;
  }

  /** Show a state whose seconds were true at `since` (performance.now). */
  show(job: JobState, since: number, take: TakeState | null = null): void {
    if (job.status !== this.#job?.status) {
      this.#asked.act = undefined;
      this.#asked.refused = "";
    }
    this.#job = take ? { ...job, message: [result(take), job.message].filter(Boolean).join(" · ") } : job;
    this.#since = since;
    this.#draw();
  }

  async #go(): Promise<void> {
    const act = this.#job?.acts[0];
    const asked = this.#asked;
    if (!act || asked.act) return;
    asked.act = act;
    asked.refused = "";
    this.#draw();
    try {
      await this.#kernel.act(act);
      // Stopping takes the server a moment; the button says so until the state is another one.
      if (act !== "stop") asked.act = undefined;
    } catch (error) {
      asked.act = undefined;
      asked.refused = (error as Error).message;
    }
    this.#draw();
  }

  #draw(): void {
    if (!this.#job) return;
    const moving = MOVING.has(this.#job.status);
    // A job that is over needs no kernel, unless something was asked for.
    this.#asked.late = this.#late && (moving || this.#asked.act !== undefined);
    const unanswered = this.#late && moving && !this.#kernel.heard;
    const job = unanswered ? { ...this.#job, message: messages.unanswered } : this.#job;
    drawWords(this.#parts, job, this.#asked.refused);
    drawProgress(this.#parts, job);
    drawButton(this.#parts.go, job, this.#asked);
    this.#parts.row.classList.toggle("cw-late", this.#asked.late);
    this.#tick();
  }

  #tick(): void {
    // While the kernel does not answer nobody knows whether the time still runs.
    if (this.#job && !this.#asked.late)
      drawTime(this.#parts, this.#job, (performance.now() - this.#since) / 1000);
  }
}

/** What is said in the middle: its beginning, which is the point of it, and the rest. */
function words(job: JobState): [string, string] {
  if (job.status === "error" && job.error?.where) return ["", `${job.error.where}: ${job.message}`];
  if (job.status !== "queued") return ["", job.message];
  // Of "3rd in line, 2 of the 3 ahead are yours" the place is what one looks for.
  const cut = job.message.indexOf(",");
  return cut < 0 ? [job.message, ""] : [job.message.slice(0, cut), job.message.slice(cut)];
}

function drawWords(parts: Parts, job: JobState, refused: string): void {
  const [lead, rest] = refused ? ["", refused] : words(job);
  put(parts.state, job.status);
  put(parts.lead, lead);
  put(parts.rest, rest);
  attach(parts.what, { title: lead + rest });
  setMark(parts.shape, job.status);
  attach(parts.el, { "data-state": job.status, "aria-label": say(messages.job, { title: job.title }) });
  put(parts.voice, MOVING.has(job.status) ? job.status : `${job.status}: ${lead + rest}`);
  parts.unfold.hidden = !job.error || job.status === "cancelled";
  if (!job.error) fold(parts, true);
  put(parts.more, [job.message, ...(job.error?.details ?? [])].join("\n"));
}

function drawProgress(parts: Parts, job: JobState): void {
  const known = job.status === "running" || job.status === "saving";
  attach(parts.bar, {
    hidden: !known,
    "aria-valuenow": known ? Math.floor(job.progress * 100) : null,
    "aria-label": say(messages.progress, { title: job.title }),
  });
  parts.fill.style.inlineSize = `${job.progress * 100}%`;
  put(parts.pct, known ? percent(job.progress) : "");
  // Which columns the words may take besides their own.
  parts.row.dataset.room = known
    ? "own"
    : MOVING.has(job.status) || job.status === "complete"
      ? "words"
      : "all";
}

function drawButton(go: HTMLButtonElement, job: JobState, { act, late }: Asked): void {
  const offered = job.acts[0];
  go.hidden = !late && !offered;
  go.className = late || act || offered === "stop" ? "cw-quiet" : "";
  go.disabled = late || act !== undefined;
  go.title = late ? messages.wait_kernel_hint : "";
  if (late) put(go, messages.wait_kernel);
  else if (offered) put(go, act === "stop" ? messages.stopping : labelOf(offered, job.status));
}

function labelOf(act: Act, status: Status): string {
  return act === "again" && status === "lost" ? messages.submit_again : ACTS[act];
}

/** What moves by itself, `late` seconds after the job was told. */
function drawTime(parts: Parts, job: JobState, late: number): void {
  const silent = job.age + late;
  const old = MOVING.has(job.status) && silent >= STALE_SECONDS;
  put(parts.stale, old ? `${say(messages.no_news, { time: span(silent) })}. ` : "");
  put(parts.time, times(job, late));
}

function times(job: JobState, late: number): string {
  const time = clock(job.elapsed + (MOVING.has(job.status) ? late : 0));
  if (job.status === "queued" || job.status === "submitting") return say(messages.waited, { time });
  if (job.status === "running" && job.eta !== null)
    return say(messages.left, { time, left: clock(Math.max(0, job.eta - late)) });
  return job.elapsed >= 1 ? time : "";
}
