/** The state of one entry as it changes, over a WebSocket; the caller polls while there is none. */
import type { Status } from "./answers.ts";

const SHORTEST_MS = 1000;
const LONGEST_MS = 60_000;

export interface LiveConnection {
  close: () => void;
}

/**
 * Tells each state of an entry until it is closed; connects again when the connection breaks, ever more rarely.
 *
 * @param connected told whether states arrive.
 * @param wanted whether to connect again: an entry whose state is final has no more to tell.
 */
export function follow(
  liveUrl: string,
  watchlistId: string,
  subprotocols: () => Promise<string[]>,
  told: (state: Status) => void,
  connected: (alive: boolean) => void,
  wanted: () => boolean,
): LiveConnection {
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let failures = 0;

  const connect = async (): Promise<void> => {
    if (closed || document.hidden || socket) return;
    const offered = await subprotocols();
    if (closed || socket) return;
    const opened = new WebSocket(`${liveUrl}?watchlist_id=${encodeURIComponent(watchlistId)}`, offered);
    socket = opened;
    opened.onmessage = ({ data }) => {
      const state = parse(data);
      if (state?.watchlist_id !== watchlistId) return;
      failures = 0;
      connected(true);
      told(state);
    };
    opened.onclose = () => {
      socket = null;
      connected(false);
      if (closed || !wanted()) return;
      failures += 1;
      timer = setTimeout(connect, Math.min(LONGEST_MS, SHORTEST_MS * 2 ** failures) * (0.5 + Math.random()));
    };
  };
  const seen = (): void => {
    if (document.hidden) socket?.close();
    else if (wanted()) void connect();
  };
  document.addEventListener("visibilitychange", seen);
  void connect();
  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      socket?.close();
    },
  };
}

function parse(data: unknown): Status | null {
  try {
    return JSON.parse(String(data)) as Status;
  } catch {
    return null;
  }
}
