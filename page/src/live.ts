/** What happens to all that the user watches, told over one WebSocket; whoever listens asks rarely while there is one. */
import { signal } from "@preact/signals";

import type { Status } from "./api/answers.ts";
import { delay } from "./api/polling.ts";
import { settings, subprotocols, user } from "./session.ts";

const SHORTEST_MS = 1000;
/** API Gateway hangs up on who is silent for ten minutes. */
const SILENT_MS = 300_000;

/** There can be more types: what is not known is passed over. */
export type Told = { type: "connected" } | { type: "entry"; entry: Status } | { type: "alert" };

/** Whether changes are told. */
export const isLive = signal(false);

const listeners = new Set<(told: Told) => void>();
let socket: WebSocket | null = null;
let isConnecting = false;
let failures = 0;

/** Calls `listener` with each message until the returned function is called; first with `connected`: what was read before can be old. */
export function listen(listener: (told: Told) => void): () => void {
  listeners.add(listener);
  void connect();
  return () => void listeners.delete(listener);
}

async function connect(): Promise<void> {
  if (!settings.live_url || user.value === null || socket || isConnecting || document.hidden || !listeners.size) return;
  isConnecting = true;
  const offered = await subprotocols();
  isConnecting = false;
  const url = new URL(settings.live_url, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (settings.access === "open") url.searchParams.set("user", user.value);
  const opened = new WebSocket(url, offered);
  socket = opened;
  const speaking = setInterval(() => opened.send("?"), SILENT_MS);
  opened.onmessage = ({ data }) => {
    const told = parse(data);
    if (!told) return;
    failures = 0;
    isLive.value = true;
    for (const listener of listeners) listener(told);
  };
  opened.onclose = () => {
    clearInterval(speaking);
    socket = null;
    isLive.value = false;
    failures += 1;
    setTimeout(connect, delay(SHORTEST_MS, failures, null));
  };
}

function hangUp(): void {
  if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = hangUp; // browsers complain of who hangs up before that
  else socket?.close();
}

document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : void connect()));
user.subscribe(hangUp); // it shows what another user watches

function parse(data: unknown): Told | null {
  try {
    return JSON.parse(String(data)) as Told;
  } catch {
    return null;
  }
}
