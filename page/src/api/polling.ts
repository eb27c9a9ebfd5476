/** Asks again and again, as long as somebody looks: with back-off and jitter after failures, never in a hidden tab. */

const LONGEST_MS = 120_000;

/** Returns when to ask next, in ms: spread, but never before `retryAfter`, in seconds. Pure but for `random`. */
export function delay(usual: number, failures: number, retryAfter: number | null, random = Math.random): number {
  const backedOff = Math.min(LONGEST_MS, usual * 2 ** Math.min(failures, 6));
  const spread = 0.3 * random();
  return Math.max((retryAfter ?? 0) * 1000 * (1 + spread), backedOff * (0.85 + spread));
}

/** How long what comes in a row is gathered, in ms. */
const SOON_MS = 1000;

export interface Polling {
  /** Asks now. */
  now: () => void;
  /** Asks in a moment, once for all who want it until then. */
  soon: () => void;
  stop: () => void;
}

/**
 * Calls `ask` until it is stopped.
 *
 * @param ask returns the usual time until the next call, in ms; throws to be called later.
 */
export function poll(ask: (signal: AbortSignal) => Promise<number>): Polling {
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let usual = 5000;
  let asking = false;
  let again = false;
  let overdue = false;
  let gathering: ReturnType<typeof setTimeout> | undefined;

  const turn = async (): Promise<void> => {
    if (asking) {
      again = true;
      return;
    }
    clearTimeout(timer);
    clearTimeout(gathering);
    gathering = undefined;
    if (document.hidden) {
      overdue = true;
      return;
    }
    asking = true;
    overdue = false;
    let retryAfter: number | null = null;
    try {
      usual = await ask(ending.signal);
      failures = 0;
    } catch (error) {
      failures += 1;
      retryAfter = (error as { retryAfter?: number | null }).retryAfter ?? null;
    }
    asking = false;
    if (ending.signal.aborted) return;
    timer = setTimeout(turn, again ? 0 : delay(usual, failures, retryAfter));
    again = false;
  };

  const seen = (): void => {
    if (!document.hidden && overdue) void turn();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("online", turn);
  void turn();
  return {
    now: () => void turn(),
    soon: () => (gathering ??= setTimeout(turn, SOON_MS)),
    stop: () => {
      ending.abort();
      clearTimeout(timer);
      clearTimeout(gathering);
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", turn);
    },
  };
}
