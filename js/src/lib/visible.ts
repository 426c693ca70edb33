/** Call `seen` once, when an element first comes into view or close to it. */
export function whenVisible(element: Element, seen: () => void, signal: AbortSignal): void {
  const watch = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      seen();
    },
    { rootMargin: "100px" },
  );
  watch.observe(element);
  signal.addEventListener("abort", () => watch.disconnect());
}
