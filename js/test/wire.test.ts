import { expect, test } from "vitest";
import messages from "../src/lib/messages.json";
import wire from "../src/lib/wire.json";
import { job, take } from "./fakes";

test("jobs and takes have the fields that the kernel sends", () => {
  // The fakes are typed, so the compiler has compared them with the interfaces.
  expect(Object.keys(job()).sort()).toEqual(wire.job);
  expect(Object.keys(take()).sort()).toEqual(wire.take);
});

test("there is a word for each state and act", () => {
  expect(Object.keys(messages)).toEqual(expect.arrayContaining([...wire.statuses, ...wire.acts]));
});
