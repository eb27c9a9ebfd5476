/** Who looks: a name that this browser remembers where nobody asks, a token of the issuer where one is wanted. */
import { computed, signal } from "@preact/signals";

import { authorizeWith } from "./api/client.ts";
import { readSettings } from "./settings.ts";
import type { SignedIn } from "./sign-in.ts";

export const settings = readSettings(document);

const REMEMBERED = "watchlist-user";

const named = signal<string | null>(settings.access === "open" ? given() ?? localStorage.getItem(REMEMBERED) : null);
const signedIn = signal<SignedIn | null>(null);

/** The user whose watchlist is shown; null until somebody said who they are. */
export const user = computed(() => signedIn.value?.subject ?? named.value);

/** How the person is called; a subject is often no name. */
export const userName = computed(() => signedIn.value?.name ?? user.value);

export type Access = "known" | "unnamed" | "signed-out" | "signature" | "unregistered";

/** What stands between the person and the API. */
export const access = computed<Access>(() => {
  if (user.value !== null) return "known";
  if (settings.access === "open") return "unnamed";
  if (settings.access === "signature") return "signature";
  return settings.client_id ? "signed-out" : "unregistered";
});

/** Takes `?user=` of the address, which `make run` prints, and leaves the address without it. */
function given(): string | null {
  const url = new URL(location.href);
  const name = url.searchParams.get("user");
  if (name === null) return null;
  url.searchParams.delete("user");
  history.replaceState(null, "", url);
  localStorage.setItem(REMEMBERED, name);
  return name;
}

export function call(name: string): void {
  localStorage.setItem(REMEMBERED, name);
  named.value = name;
}

export async function leave(): Promise<void> {
  localStorage.removeItem(REMEMBERED);
  named.value = null;
  signedIn.value = null;
}

/** Sends the person to the issuer; they come back to where they are. */
export async function signIn(): Promise<void> {
  const { begin } = await import("./sign-in.ts");
  await begin(settings.issuer!, settings.client_id!);
}

/** Ends a sign-in that the issuer sends back from, if there is one; before anything is shown. */
export async function arrive(): Promise<void> {
  if (settings.access !== "token" || !settings.client_id) return;
  authorizeWith(bearer, renewed);
  if (!/[?&](code|error)=/.test(location.search)) return;
  const { finish } = await import("./sign-in.ts");
  signedIn.value = await finish(settings.issuer!, settings.client_id);
}

async function bearer(): Promise<Record<string, string>> {
  if (signedIn.value && signedIn.value.expiresAt < Date.now()) await renewed();
  return signedIn.value ? { Authorization: `Bearer ${signedIn.value.token}` } : {};
}

let renewing: Promise<boolean> | null = null;

/** Gets a new token without the person, where the issuer gave a refresh token; else they are signed out. */
function renewed(): Promise<boolean> {
  renewing ??= renewal().finally(() => (renewing = null));
  return renewing;
}

async function renewal(): Promise<boolean> {
  const before = signedIn.value;
  if (!before) return false;
  const { renew } = await import("./sign-in.ts");
  signedIn.value = await renew(settings.issuer!, settings.client_id!, before).catch(() => null);
  return signedIn.value !== null;
}

/** Returns the subprotocols that show the token to the WebSocket API. */
export async function subprotocols(): Promise<string[]> {
  const { Authorization: shown } = await bearer();
  return shown ? ["repository-watchlist", `bearer.${shown.slice("Bearer ".length)}`] : [];
}
