/** Tell whether an element is in view, or close to it, now and whenever that changes. */
export function watchView(element: Element, tell: (seen: boolean) => void, signal: AbortSignal): void {
  const watch = new IntersectionObserver(
    (entries) => {
      const last = entries.at(-1);
      if (last) tell(last.isIntersecting);
    },
    { rootMargin: "100px" },
  );
  watch.observe(element);
  signal.addEventListener("abort", () => watch.disconnect());
}

/** Call `seen` once, when an element first comes into view. */
export function whenVisible(element: Element, seen: () => void, signal: AbortSignal): void {
  const once = new AbortController();
  const tell = (now: boolean) => {
    if (!now) return;
    once.abort();
    seen();
  };
  watchView(element, tell, AbortSignal.any([signal, once.signal]));
}
