/** The time that ages are counted to; it moves while the page is looked at. */
import { signal } from "@preact/signals";

export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 15_000);

/** Returns the time, for a component that is drawn again when it has moved on; what has just happened is not ahead of it. */
export function time(): number {
  return Math.max(now.value, Date.now());
}
