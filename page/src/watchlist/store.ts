/** The user's watchlist as the page has it: asked for again and again, never rearranged under the pointer. */
import { computed, signal } from "@preact/signals";

import type { WatchlistPage } from "../api/answers.ts";
import { type ApiError, call, everything } from "../api/client.ts";
import { type Polling, poll } from "../api/polling.ts";
import { isLive, listen } from "../live.ts";
import { user } from "../session.ts";
import { type Row, rowOf } from "./row.ts";

const BUSY_MS = 2000;
const IDLE_MS = 30_000;
/** What changes is told; a repository can still grow quiet by the passing of time. */
const LIVE_MS = 300_000;
const PAGE = 100;
/** Of rows that one call cannot hold: how much longer than usual the next look waits, for each further call. */
const PER_PAGE_MS = 3000;

export const rows = signal<readonly Row[] | null>(null);
export const failure = signal<ApiError | null>(null);
export const openAlerts = computed(() => rows.value?.reduce((sum, row) => sum + row.openAlerts, 0) ?? 0);

let polling: Polling | null = null;
let deaf: (() => void) | null = null;
let watchers = 0;
let last = new Map<string, { json: string; row: Row }>();

/** Keeps the list current until the returned function is called. */
export function watch(): () => void {
  watchers += 1;
  polling ??= poll(refresh);
  return () => {
    watchers -= 1;
    if (watchers === 0) {
      polling?.stop();
      deaf?.();
      polling = deaf = null;
    }
  };
}

/** Asks now, since something was changed. */
export function refreshNow(): void {
  polling?.now();
}

export function forget(): void {
  rows.value = null;
  failure.value = null;
  last = new Map();
}

async function refresh(stopped: AbortSignal): Promise<number> {
  const asked = user.value;
  if (asked === null) return IDLE_MS;
  try {
    const items = await everything(async (cursor) => {
      const page = await call<WatchlistPage>("GET", "/activity/watchlist", { query: { user: asked, limit: PAGE, cursor }, signal: stopped });
      if (rows.value === null && cursor === null && asked === user.value) keep(page.items);
      return page;
    });
    if (asked !== user.value) return 0;
    keep(items);
    failure.value = null;
    if (polling) deaf ??= listen(polling.soon); // now that there is something to see
  } catch (error) {
    if (!stopped.aborted) failure.value = error as ApiError;
    throw error;
  }
  if (isLive.value) return LIVE_MS;
  const pages = Math.ceil((rows.value?.length ?? 0) / PAGE);
  const usual = rows.value?.some((row) => row.status === "processing") ? BUSY_MS : IDLE_MS;
  return usual + Math.max(0, pages - 1) * PER_PAGE_MS;
}

/** Takes new answers; a row that says the same stays the same object, so that nothing is drawn again. */
function keep(items: WatchlistPage["items"]): void {
  const next = new Map<string, { json: string; row: Row }>();
  for (const item of items) {
    const json = JSON.stringify(item);
    const before = last.get(item.user_watchlist_id);
    next.set(item.user_watchlist_id, before?.json === json ? before : { json, row: rowOf(item) });
  }
  const same = next.size === last.size && [...next].every(([id, { row }]) => last.get(id)?.row === row);
  last = next;
  if (!same || rows.value === null) rows.value = [...next.values()].map(({ row }) => row);
}
