// Code that the kernel sends later, imported as anywidget imports a widget's own.
import type { Kernel } from "./kernel";

/** A module that is asked for by name. */
export async function codeOf<M>(kernel: Kernel, name: string, signal: AbortSignal): Promise<M> {
  const [, [code]] = await kernel.read(name, {}, signal);
  const url = URL.createObjectURL(new Blob([code as DataView<ArrayBuffer>], { type: "text/javascript" }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
