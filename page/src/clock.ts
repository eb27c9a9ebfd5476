/** The time that ages are counted to; it moves while the page is looked at. */
import { signal } from "@preact/signals";

export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 15_000);
