/** Numbers, times and addresses as people read them. Pure: nothing here knows the page. */

const UNITS: [limit: number, seconds: number, name: string][] = [
  [90, 1, "s"],
  [90 * 60, 60, "min"],
  [36 * 3600, 3600, "h"],
  [60 * 86400, 86400, "d"],
  [730 * 86400, 30.44 * 86400, "mo"],
  [Infinity, 365.25 * 86400, "y"],
];

/** Returns a time span of `seconds` in its largest sensible unit, as `41 s` or `3 d`. */
export function span(seconds: number): string {
  const positive = Math.max(0, seconds);
  const [, unit, name] = UNITS.find(([limit]) => positive < limit) ?? UNITS[UNITS.length - 1]!;
  const value = positive / unit;
  return `${name === "s" && value < 10 && value % 1 ? value.toFixed(1) : Math.round(value)} ${name}`;
}

/** Returns how long ago a moment was, or how long it is until then. */
export function ago(moment: string, now: number): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  if (!Number.isFinite(seconds)) return "unknown";
  if (Math.abs(seconds) < 5) return "now";
  return seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const NUMBER = new Intl.NumberFormat("en-US");

/** Returns a moment with minutes, in UTC. */
export function moment(iso: string): string {
  const time = Date.parse(iso);
  return Number.isFinite(time) ? `${MOMENT.format(time)} UTC` : "unknown";
}

/** Returns the day of a moment, in UTC. */
export function day(iso: string | number): string {
  const time = typeof iso === "number" ? iso : Date.parse(iso);
  return Number.isFinite(time) ? DAY.format(time) : "unknown";
}

export function count(value: number): string {
  return NUMBER.format(value);
}

/** Returns `1 alert`, `2 alerts`. */
export function counted(value: number, thing: string, things = `${thing}s`): string {
  return `${count(value)} ${value === 1 ? thing : things}`;
}

/** Returns a name of the API, as `storing_commits`, in words. */
export function words(name: string): string {
  const text = name.replace(/[_-]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Returns the host and `owner/name` of a repository's address. */
export function repository(address: string): { host: string; name: string } {
  try {
    const url = new URL(address);
    return { host: url.host, name: decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, "") };
  } catch {
    return { host: "", name: address };
  }
}

/** Returns an address that the page may link: https, on the host of `of`, without a password; else null. */
export function linkable(address: string | null | undefined, of: string): string | null {
  try {
    const url = new URL(address ?? "");
    const sameHost = url.host === new URL(of).host;
    return url.protocol === "https:" && sameHost && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

/** Returns the page of a commit or a tag on the host of `of`, by the API's pattern for it; null if there is none or it cannot be linked. */
export function pageLink(pattern: string | null | undefined, name: string, of: string): string | null {
  const parts = name.split("/");
  if (!pattern || parts.some((part) => /^\.*$/.test(part))) return null;
  return linkable(pattern.replace(/\{\w+\}/, () => parts.map(encodeURIComponent).join("/")), of);
}

/** Returns a quantile of numbers in any order; null of none. */
export function quantile(numbers: readonly number[], share: number): number | null {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]! : null;
}
