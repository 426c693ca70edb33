// Bundles one ES module and one stylesheet for each widget into the Python package.
import { context } from "esbuild";

const bundles = await context({
  entryPoints: [
    "queue_badge",
    "video_player",
    "job_view",
    "compare",
    "gallery",
    "check",
    "timeline_view",
    "batch_view",
    "sweep_view",
    // No widget: the timeline's view asks the kernel for it.
    "timeline_later",
  ].map((name) => `src/${name}.ts`),
  outdir: "../comfy_widgets/static",
  bundle: true,
  minify: true,
  format: "esm",
  charset: "utf8",
  target: "es2022",
  // A chunk shared by two entries could not be found from the blob URLs that anywidget loads modules from.
  splitting: false,
  logLevel: "info",
});

if (process.argv.includes("--watch")) {
  await bundles.watch();
} else {
  await bundles.rebuild();
  await bundles.dispose();
}
