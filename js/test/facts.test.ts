import { expect, test } from "vitest";
import { facts, result } from "../src/lib/facts";
import { take } from "./fakes";

test("seed, size, length and whether it was there come first", () => {
  expect(facts(take())).toEqual(["seed 7", "1280×544", "5.0 s, 24 fps", "new"]);
});

test("a take from the cache says when and where it was made, a simulated one that it is", () => {
  const made = `${new Date().getFullYear()}-11-03T10:00:00Z`;
  expect(facts(take({ cached: true, simulated: true, made }))).toEqual([
    "seed 7",
    "1280×544",
    "5.0 s, 24 fps",
    "cached, made 3 Nov",
    "simulated",
  ]);
});

test("other inputs follow, the empty ones and those told already left out", () => {
  const inputs = {
    prompt: "x",
    seed: 0,
    width: 1280,
    end_keyframe: "b.png",
    negative: "",
    steps: 20,
    cfg: null,
  };
  expect(facts(take({ inputs })).slice(4)).toEqual(["end keyframe b.png", "steps 20"]);
  expect(facts(take({ inputs }))[0]).toBe("seed 0");
});

test("what a job has come to is its file, or where that came from", () => {
  expect(result(take())).toBe("scene-001_shot-01_9f3ac21b04de.mp4, 2.5 MB");
  const made = `${new Date().getFullYear()}-11-03T10:00:00Z`;
  expect(result(take({ cached: true, made }))).toBe("cached, made 3 Nov on gpu-1 in 2:33");
  expect(result(take({ cached: true, made, render_seconds: null }))).toBe("cached, made 3 Nov on gpu-1");
  expect(result(take({ cached: true, made, server: "" }))).toBe("cached, made 3 Nov");
});

test("what is not known is not said", () => {
  const still = take({ width: null, height: null, fps: null, seconds: null, inputs: {} });
  expect(facts(still)).toEqual(["new"]);
});
