/** One repository as the page has it: its status live or by polling, its analysis and alerts whenever these change. */
import { type Signal, signal } from "@preact/signals";

import type { Alert, AlertPage, CheckChange, Health, HealthChanges, Status } from "../api/answers.ts";
import { type ApiError, call, everything, path } from "../api/client.ts";
import { type Polling, poll } from "../api/polling.ts";
import { type Told, isLive, listen } from "../live.ts";
import { user } from "../session.ts";

const BUSY_MS = 1500;
const LIVE_MS = 15_000;
const IDLE_MS = 60_000;

export class Repository {
  readonly id: string;
  readonly status: Signal<Status | null> = signal(null);
  readonly health: Signal<Health | null> = signal(null);
  /** What differs from the analysis before. */
  readonly changes: Signal<readonly CheckChange[]> = signal([]);
  readonly alerts: Signal<readonly Alert[] | null> = signal(null);
  readonly failure: Signal<ApiError | null> = signal(null);

  #polling: Polling | null = null;
  #deaf: (() => void) | null = null;
  #analysed: string | null = null;
  #stopped = new AbortController();

  constructor(id: string) {
    this.id = id;
  }

  /** Keeps everything current until the returned function is called. */
  watch(): () => void {
    this.#stopped = new AbortController();
    this.#polling = poll((ending) => this.#ask(ending));
    return () => {
      this.#stopped.abort();
      this.#polling?.stop();
      this.#deaf?.();
      this.#deaf = null;
    };
  }

  refreshNow(): void {
    this.#analysed = null;
    this.#polling?.now();
  }

  /** Whether changes are told: they are to those who watch. */
  get isLive(): boolean {
    return isLive.value && this.watching !== null;
  }

  get watching() {
    return this.status.value?.user_watchlists.find(({ added_by }) => added_by === user.value) ?? null;
  }

  async #ask(ending: AbortSignal): Promise<number> {
    try {
      const query = { user: user.value };
      this.#take(await call<Status>("GET", path("/activity/watchlist/{id}/status", { id: this.id }), { query, signal: ending }));
      await this.#askMore(ending);
      this.failure.value = null;
    } catch (error) {
      if (!ending.aborted) this.failure.value = error as ApiError;
      throw error;
    }
    if (!ending.aborted) this.#deaf ??= listen((told) => this.#hear(told));
    if (this.status.value?.status !== "processing") return IDLE_MS;
    return this.isLive ? LIVE_MS : BUSY_MS;
  }

  #take(status: Status): void {
    this.status.value = status;
  }

  /** Gets the analysis and the alerts anew when there was another analysis. */
  async #askMore(signal: AbortSignal): Promise<void> {
    const status = this.status.value;
    const version = `${status?.status} ${status?.analyzed_at} ${status?.last_check?.at}`;
    if (!status || version === this.#analysed) return;
    const watch = this.watching?.user_watchlist_id;
    const [health, alerts] = await Promise.all([
      call<Health>("GET", path("/activity/watchlist/{id}/health", { id: this.id }), { signal }),
      watch ? alertsOf(watch, signal) : [],
    ]);
    this.health.value = health;
    this.changes.value = await this.#changesSince(health.history.filter(({ score }) => score !== null)[1]?.analyzed_at, signal);
    this.alerts.value = alerts;
    this.#analysed = version;
  }

  async #changesSince(since: string | undefined, signal: AbortSignal): Promise<readonly CheckChange[]> {
    if (!since) return [];
    const route = path("/activity/watchlist/{id}/health/changes", { id: this.id });
    return (await call<HealthChanges>("GET", route, { query: { since }, signal })).checks;
  }

  #hear(told: Told): void {
    if (told.type === "connected") return this.#polling?.soon();
    if (told.type !== "entry" || told.entry.watchlist_id !== this.id) return;
    this.#take(told.entry);
    if (told.entry.status !== "processing") this.#polling?.now();
  }
}

export function alertsOf(watch: string, signal?: AbortSignal): Promise<Alert[]> {
  const route = path("/activity/alerts/{watch}", { watch });
  return everything((cursor) =>
    call<AlertPage>("GET", route, { query: { cursor, limit: 100 }, ...(signal ? { signal } : {}) }),
  );
}
