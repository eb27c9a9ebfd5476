/** Which page is shown: the address is the only state of it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export const address = signal(new URL(location.href));

/** Goes to a page of ours. */
export function go(to: string, { replace = false } = {}): void {
  const url = new URL(to, location.href);
  if (url.href !== location.href) history[replace ? "replaceState" : "pushState"](null, "", url);
  const samePage = url.pathname === address.value.pathname;
  address.value = url;
  if (!samePage) arrived();
}

/** Changes parameters of the address in place; null removes one. */
export function refine(changes: Record<string, string | null>): void {
  const url = new URL(address.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  go(url.href, { replace: true });
}

let isAwaited = false;
let hasMoved = false;

/** Puts the reader at the top; the heading of the new page takes the focus when it comes. */
function arrived(): void {
  isAwaited = hasMoved = true;
  scrollTo({ top: 0 });
}

/** Puts a screen reader at the heading of a page that was gone to; the heading in its place later, unless the focus is elsewhere. */
export function takeFocus(heading: HTMLElement): void {
  if (isAwaited || (hasMoved && document.activeElement === document.body)) heading.focus({ preventScroll: true });
  isAwaited = false;
}

/** Calls `show` when the address asks for the part of a page that has this `id`, also if the part comes later than the address. */
export function useTarget(id: string, show: () => void): void {
  useEffect(() => {
    if (address.value.hash === `#${id}`) show();
  }, [address.value]);
}

addEventListener("popstate", () => {
  address.value = new URL(location.href);
});

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[href]");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (/^\/(docs|openapi|assets|activity)/.test(link.pathname) || link.getAttribute("href")!.startsWith("#")) return;
  event.preventDefault();
  go(link.href);
});
