// Words that are asked for by a name. Taken from the messages one by one, so that a bundle has no others.
import * as messages from "../lib/messages.json";
import type { Picture } from "./state";

export const PICTURES: Record<Picture, string> = {
  keyframe: messages.keyframe,
  end_keyframe: messages.end_keyframe,
};
