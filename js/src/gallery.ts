import "./theme.css";
import "./parts.css";
import "./player.css";
import "./gallery.css";
import { Tiles } from "./lib/tiles";
import { viewOf } from "./lib/view";
import type { GalleryState, Item } from "./lib/wire";

const render = viewOf<GalleryState>((kernel, signal, model) => {
  const items = (model as unknown as { get(name: "items"): Item[] }).get("items");
  const tiles = new Tiles(items, kernel, signal);
  return { el: [tiles.el], show: ({ marks }) => tiles.mark(marks) };
});

export default { render };
