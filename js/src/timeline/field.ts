// A text that a person edits while others may change it: what is typed is never taken away.

const PAUSE_MS = 400;

export type Send = (value: string, typing: boolean) => Promise<unknown>;

/** Bind a field to a value: `draw` shows what the kernel says, `send` is called with what a person says. */
export function bound(el: HTMLInputElement | HTMLTextAreaElement, send: Send): (value: string) => void {
  let seen = "";
  let dirty = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = async (typing: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    const value = el.value;
    try {
      await send(value, typing);
      el.removeAttribute("aria-invalid");
    } catch {
      // What was refused stays to be corrected; the reason is told where `send` tells it.
      el.setAttribute("aria-invalid", "true");
    }
    if (el.value === value) dirty = false;
  };
  el.addEventListener("input", () => {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(() => say(true), PAUSE_MS);
  });
  el.addEventListener("change", () => say(true));
  return (value) => {
    if (value === seen) return;
    seen = value;
    if (dirty || el.value === value) return;
    const { selectionStart, selectionEnd } = el;
    el.value = value;
    if (document.activeElement === el && el.type !== "number")
      el.setSelectionRange(selectionStart, selectionEnd);
  };
}
