// One line that says what a job does, how far it is, how long it takes, and what can be done now.
import { attach, button, h, put } from "./dom";
import type { Kernel } from "./kernel";
import { mark, setMark } from "./mark";
import { clock, percent, say, span, type Word } from "./say";
import type { Act, JobState, Status } from "./wire";

const MOVING: ReadonlySet<Status> = new Set(["submitting", "queued", "running", "saving"]);
const STALE_SECONDS = 30;

export interface Badge {
  el: HTMLElement;
  /** Show a state whose seconds were true at `since` (performance.now). */
  show(job: JobState, since: number): void;
}

/** The words in the middle, and whether their beginning is the point of them. */
function words(job: JobState): string {
  if (job.error) return [job.error.where && `${job.error.where}:`, job.error.what].filter(Boolean).join(" ");
  if (job.status !== "running" || !job.node) return job.message;
  return job.step ? say("step", { node: job.node, at: job.step[0], of: job.step[1] }) : job.node;
}

/** The time column, `late` seconds after the job was told. */
function times(job: JobState, late: number): string {
  const time = clock(job.elapsed + (MOVING.has(job.status) ? late : 0));
  if (job.status === "queued" || job.status === "submitting") return say("waited", { time });
  if (job.status === "running" && job.eta !== null)
    return say("left", { time, left: clock(Math.max(0, job.eta - late)) });
  return job.elapsed > 0 ? time : "";
}

function labelOf(act: Act, status: Status): Word {
  return act === "again" && status === "lost" ? "submit_again" : act;
}

export function badge(kernel: Kernel, signal: AbortSignal): Badge {
  const parts = build();
  let shown: { job: JobState; since: number } | undefined;
  let pending: Act | undefined;
  let refused = "";
  let late = false;

  const act = async (name: Act) => {
    if (pending) return;
    pending = name;
    refused = "";
    draw();
    try {
      await kernel.act(name);
    } catch (error) {
      refused = (error as Error).message;
    } finally {
      pending = undefined;
      draw();
    }
  };
  const go = button("", () => {
    const name = shown?.job.acts[0];
    if (name) act(name);
  });
  parts.line.append(go);

  function draw(): void {
    if (!shown) return;
    const { job, since } = shown;
    drawWords(parts, job, refused);
    drawProgress(parts, job);
    drawButton(go, job, pending, late);
    tick(parts, job, late ? 0 : (performance.now() - since) / 1000);
  }
  kernel.onLate = (now) => {
    late = now;
    draw();
  };
  const ticking = setInterval(() => {
    if (shown && MOVING.has(shown.job.status) && !late)
      tick(parts, shown.job, (performance.now() - shown.since) / 1000);
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(ticking));

  return {
    el: parts.el,
    show(job, since) {
      if (job.status !== shown?.job.status) refused = "";
      shown = { job, since };
      draw();
    },
  };
}

type Parts = ReturnType<typeof build>;

function build() {
  const shape = mark();
  const state = h("span", { class: "cw-state" });
  const lead = h("b");
  const rest = h("span");
  const stale = h("span", { class: "cw-warn" });
  const what = h("span", { class: "cw-what" }, stale, lead, rest);
  const fill = h("i");
  const bar = h(
    "span",
    { class: "cw-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
    fill,
  );
  const pct = h("span", { class: "cw-num cw-pct", "aria-hidden": true });
  const time = h("span", { class: "cw-num cw-dim cw-time" });
  const line = h("div", { class: "cw-line" }, shape, state, what, bar, pct, time);
  // Told on a change of state only: percentages and clocks read aloud would never end.
  const voice = h("span", { class: "cw-voice", role: "status" });
  const more = h("details", { class: "cw-more", hidden: true });
  const el = h("div", { class: "cw-badge", role: "group" }, line, more, voice);
  return { el, line, shape, state, stale, lead, rest, what, bar, fill, pct, time, more, voice };
}

function drawWords(parts: Parts, job: JobState, refused: string): void {
  const text = words(job);
  // Of "3rd in line, 2 of the 3 ahead are yours" the place is what one looks for.
  const cut = job.status === "queued" ? text.indexOf(",") : -1;
  const end = job.status === "queued" && cut < 0 ? text.length : Math.max(0, cut);
  const hint = job.error?.hint ? ` ${job.error.hint}` : "";
  put(parts.state, say(job.status));
  put(parts.lead, refused ? "" : text.slice(0, end));
  put(parts.rest, refused || text.slice(end) + hint);
  setMark(parts.shape, job.status);
  attach(parts.el, { "data-state": job.status, "aria-label": say("job", { title: job.title }) });
  attach(parts.what, { title: refused || text + hint });
  put(parts.voice, MOVING.has(job.status) ? say(job.status) : `${say(job.status)}. ${text}${hint}`);
  drawError(parts.more, job);
}

function drawError(more: HTMLElement, job: JobState): void {
  const lines = job.error?.details ?? [];
  more.hidden = lines.length === 0;
  if (more.dataset.lines === lines.join("\n")) return;
  more.dataset.lines = lines.join("\n");
  more.replaceChildren(h("summary", {}, say("details")), h("pre", {}, lines.join("\n")));
}

function drawProgress(parts: Parts, job: JobState): void {
  const known = job.status === "running" || job.status === "saving";
  attach(parts.bar, {
    hidden: !known,
    "aria-valuenow": known ? Math.floor(job.progress * 100) : null,
    "aria-label": say("progress", { title: job.title }),
  });
  parts.fill.style.inlineSize = `${Math.min(1, Math.max(0, job.progress)) * 100}%`;
  put(parts.pct, known ? percent(job.progress) : "");
  parts.el.classList.toggle("cw-moving", known);
}

function drawButton(go: HTMLButtonElement, job: JobState, pending: Act | undefined, late: boolean): void {
  const offered = job.acts[0];
  const quiet = late || offered === "stop" || pending !== undefined;
  go.hidden = !late && !offered;
  go.className = quiet ? "cw-quiet" : "";
  go.disabled = late || pending !== undefined;
  go.title = late ? say("wait_kernel_hint") : "";
  if (late) put(go, say("wait_kernel"));
  else if (pending === "stop") put(go, say("stopping"));
  else if (offered) put(go, say(labelOf(offered, job.status)));
}

function tick(parts: Parts, job: JobState, late: number): void {
  const silent = job.age + late;
  const old = MOVING.has(job.status) && job.source !== "cache" && silent >= STALE_SECONDS;
  put(parts.stale, old ? `${say("no_news", { time: span(silent) })}. ` : "");
  put(parts.time, times(job, late));
}
