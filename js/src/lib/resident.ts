// Which videos are held: few at once on a page, however many players it has.

/** Something that holds a video. */
export interface Resident {
  /** Whether it can be seen, or plays. */
  needed(): boolean;
  letGo(): void;
}

const MOST = 4;
// Each widget's module is loaded apart from the others', so what they share hangs on the page.
const LIST = Symbol.for("comfy_widgets.residents");

function list(): Set<Resident> {
  const page = globalThis as { [LIST]?: Set<Resident> };
  page[LIST] ??= new Set();
  return page[LIST];
}

/** Say that one is wanted, or was until now; those that were not seen for longest let go. */
export function seen(one: Resident, wanted: boolean): void {
  const all = list();
  all.delete(one);
  all.add(one);
  for (const other of [...all]) {
    if (all.size <= MOST) return;
    if ((wanted && other === one) || other.needed()) continue;
    all.delete(other);
    other.letGo();
  }
}

/** Say that one holds nothing any more. */
export function gone(one: Resident): void {
  list().delete(one);
}
