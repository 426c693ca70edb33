// One shape for each state, so that a state is never told by colour alone.
import { attach } from "./dom";
import type { Status } from "./wire";

const SVG = "http://www.w3.org/2000/svg";

const SHAPES: Record<Status, string> = {
  submitting: "M7 2a5 5 0 0 1 3.5 1.5M12 7a5 5 0 0 1-1.5 3.5M7 12a5 5 0 0 1-3.5-1.5M2 7a5 5 0 0 1 1.5-3.5",
  queued: "M2 3.5h10M2 7h10M2 10.5h6",
  running: "M4.5 3l6 4-6 4z",
  saving: "M7 2v6.5M4 6l3 3 3-3M2.5 12h9",
  complete: "M2.5 7.5l3 3 6-7",
  error: "M3 3l8 8M11 3l-8 8",
  cancelled: "M3.5 3.5h7v7h-7z",
  lost: "M4.5 5a2.5 2.5 0 1 1 5 0c0 1.8-2.5 1.8-2.5 3.6M7 11.6v.1",
};

export function mark(): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  attach(svg, { class: "cw-mark", viewBox: "0 0 14 14", "aria-hidden": "true" });
  svg.append(document.createElementNS(SVG, "path"));
  return svg;
}

export function setMark(svg: SVGSVGElement, status: Status): void {
  attach(svg.firstElementChild as Element, { d: SHAPES[status] });
}
