// Taken one by one, so that a bundle has those that it says and no others.
import * as messages from "./messages.json";

/** A string for people, with its {gaps} filled. */
export function say(words: string, gaps: Record<string, string | number>): string {
  return words.replace(/\{(\w+)\}/g, (_, name: string) => (gaps[name] ?? "") as string);
}

/** Seconds as m:ss, from an hour on as h:mm:ss. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${pad(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}

/** Seconds as "40 s" below a minute and a half, else as a clock. */
export function span(seconds: number): string {
  return seconds < 90 ? say(messages.seconds, { n: Math.floor(seconds) }) : clock(seconds);
}

export function percent(fraction: number): string {
  return say(messages.percent, { n: Math.floor(Math.min(1, Math.max(0, fraction)) * 100) });
}

/** Bytes as people read them: 38.0 MB, 720 kB. */
export function bytes(count: number): string {
  return count < 1e6
    ? say(messages.kilobytes, { n: Math.ceil(count / 1e3) })
    : say(messages.megabytes, { n: (count / 1e6).toFixed(1) });
}

/** An ISO time as "3 Nov", with the year if it is another one. */
export function day(iso: string, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
  if (date.getFullYear() !== now.getFullYear()) options.year = "numeric";
  return date.toLocaleDateString("en-GB", options);
}
