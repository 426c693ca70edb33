import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import messages from "../src/lib/messages.json";
import { bytes, clock, day, percent, say, span } from "../src/lib/say";

test.each([
  [0, "0:00"],
  [72.9, "1:12"],
  [3600, "1:00:00"],
  [-3, "0:00"],
])("%f seconds are %s", (seconds, text) => expect(clock(seconds)).toBe(text));

test.each([
  [40.6, "40 s"],
  [90, "1:30"],
])("a span of %f is %s", (seconds, text) => expect(span(seconds)).toBe(text));

test.each([
  [0.999, "99 %"],
  [1, "100 %"],
  [1.4, "100 %"],
  [-1, "0 %"],
])("the fraction %f is %s", (fraction, text) => expect(percent(fraction)).toBe(text));

test.each([
  [37_950_000, "38.0 MB"],
  [719_400, "720 kB"],
  [12, "1 kB"],
])("%i bytes are %s", (count, text) => expect(bytes(count)).toBe(text));

test("a day has its year only where it is another one", () => {
  const now = new Date("2026-11-25T12:00:00Z");
  expect(day("2026-11-03T10:00:00Z", now)).toBe("3 Nov");
  expect(day("2025-11-03T10:00:00Z", now)).toBe("3 Nov 2025");
  expect(day("yesterday", now)).toBe("yesterday");
});

test("gaps are filled with what is given, whatever it contains", () => {
  expect(say(messages.of_size, { done: "$& {size}", size: "2" })).toBe("$& {size} of 2");
});

test("every string is said somewhere", () => {
  const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(`src/${name}`, "utf8"))
    .join("\n");
  const unsaid = Object.keys(messages).filter((key) => !new RegExp(`messages\\.${key}\\b`).test(sources));
  expect(unsaid).toEqual([]);
});
