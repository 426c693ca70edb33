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

/** What has been asked for and not yet come true, and what came of the last question. */
interface Asked {
  act?: Act | undefined;
  refused: string;
  late: boolean;
}

export function badge(kernel: Kernel, signal: AbortSignal): Badge {
  const asked: Asked = { refused: "", late: false };
  let shown: { job: JobState; since: number } | undefined;
  const parts = build(() => shown?.job.acts[0] && act(shown.job.acts[0]));

  async function act(name: Act): Promise<void> {
    if (asked.act) return;
    asked.act = name;
    asked.refused = "";
    draw();
    try {
      await kernel.act(name);
      // Stopping takes the server a moment; the button says so until the state is another one.
      if (name !== "stop") asked.act = undefined;
    } catch (error) {
      asked.act = undefined;
      asked.refused = (error as Error).message;
    }
    draw();
  }
  function draw(): void {
    if (!shown) return;
    drawWords(parts, shown.job, asked.refused);
    drawProgress(parts, shown.job);
    drawButton(parts.go, shown.job, asked);
    parts.line.classList.toggle("cw-late", asked.late);
    tick(parts, shown.job, asked.late ? 0 : (performance.now() - shown.since) / 1000);
  }
  kernel.onLate = (late) => {
    asked.late = late;
    draw();
  };
  const ticking = setInterval(() => {
    if (shown && MOVING.has(shown.job.status) && !asked.late)
      tick(parts, shown.job, (performance.now() - shown.since) / 1000);
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(ticking));

  return {
    el: parts.el,
    show(job, since) {
      if (job.status !== shown?.job.status) {
        asked.act = undefined;
        asked.refused = "";
      }
      shown = { job, since };
      draw();
    },
  };
}

type Parts = ReturnType<typeof build>;

function build(onGo: () => void) {
  const shape = mark();
  const state = h("span", { class: "cw-state" });
  const stale = h("span", { class: "cw-warn" });
  const lead = h("b");
  const rest = h("span");
  const what = h("span", { class: "cw-what" }, stale, lead, rest);
  const fill = h("i");
  const bar = h(
    "span",
    { class: "cw-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
    fill,
  );
  const pct = h("span", { class: "cw-num cw-pct", "aria-hidden": true });
  const time = h("span", { class: "cw-num cw-dim cw-time" });
  const more = h("pre", { class: "cw-more", hidden: true, tabindex: 0 });
  const unfold = button(
    "cw-quiet",
    () => {
      more.hidden = !more.hidden;
      attach(unfold, { "aria-expanded": String(!more.hidden) });
    },
    "⋯",
  );
  attach(unfold, {
    hidden: true,
    "aria-label": say("details"),
    title: say("details"),
    "aria-expanded": "false",
  });
  const go = button("", onGo);
  const acts = h("span", { class: "cw-acts" }, unfold, go);
  const line = h("div", { class: "cw-line" }, shape, state, what, bar, pct, time, acts);
  // Told on a change of state only: percentages and clocks read aloud would never end.
  const voice = h("span", { class: "cw-voice", role: "status" });
  const el = h("div", { class: "cw-badge", role: "group" }, line, more, voice);
  return { el, line, shape, state, stale, lead, rest, what, bar, fill, pct, time, go, unfold, more, voice };
}

/** What is said in the middle: its beginning, which is the point of it, and the rest. */
function words(job: JobState): [string, string] {
  if (job.error?.where) return ["", `${job.error.where}: ${job.message}`];
  if (job.status !== "queued") return ["", job.message];
  // Of "3rd in line, 2 of the 3 ahead are yours" the place is what one looks for.
  const cut = job.message.indexOf(",");
  return cut < 0 ? [job.message, ""] : [job.message.slice(0, cut), job.message.slice(cut)];
}

function drawWords(parts: Parts, job: JobState, refused: string): void {
  const [lead, rest] = refused ? ["", refused] : words(job);
  put(parts.state, say(job.status));
  put(parts.lead, lead);
  put(parts.rest, rest);
  attach(parts.what, { title: lead + rest });
  setMark(parts.shape, job.status);
  attach(parts.el, { "data-state": job.status, "aria-label": say("job", { title: job.title }) });
  put(parts.voice, MOVING.has(job.status) ? say(job.status) : `${say(job.status)}. ${lead + rest}`);
  parts.unfold.hidden = !job.error;
  if (!job.error) parts.more.hidden = true;
  put(parts.more, [job.message, ...(job.error?.details ?? [])].join("\n"));
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

function drawButton(go: HTMLButtonElement, job: JobState, { act, late }: Asked): void {
  const offered = job.acts[0];
  go.hidden = !late && !offered;
  go.className = late || act || offered === "stop" ? "cw-quiet" : "";
  go.disabled = late || act !== undefined;
  go.title = late ? say("wait_kernel_hint") : "";
  if (late) put(go, say("wait_kernel"));
  else if (offered) put(go, say(act === "stop" ? "stopping" : labelOf(offered, job.status)));
}

function labelOf(act: Act, status: Status): Word {
  return act === "again" && status === "lost" ? "submit_again" : act;
}

/** What moves by itself, `late` seconds after the job was told. */
function tick(parts: Parts, job: JobState, late: number): void {
  const silent = job.age + late;
  const old = MOVING.has(job.status) && silent >= STALE_SECONDS;
  put(parts.stale, old ? `${say("no_news", { time: span(silent) })}. ` : "");
  put(parts.time, times(job, late));
}

function times(job: JobState, late: number): string {
  const time = clock(job.elapsed + (MOVING.has(job.status) ? late : 0));
  if (job.status === "queued" || job.status === "submitting") return say("waited", { time });
  if (job.status === "running" && job.eta !== null)
    return say("left", { time, left: clock(Math.max(0, job.eta - late)) });
  return job.elapsed >= 1 ? time : "";
}
