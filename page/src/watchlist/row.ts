/** One row of the watchlist: what the API says of an entry, in the order in which the table needs it. Pure. */
import type { Verdict, Watched } from "../api/answers.ts";
import { repository } from "../format.ts";
import { VERDICTS } from "../verdicts.ts";

/** How many the API compares at once. */
export const MOST_COMPARED = 5;

export interface Row {
  id: string;
  watchId: string;
  url: string;
  name: string;
  host: string;
  status: "processing" | "ready" | "failed";
  /** What its job does; null while there is none. */
  stage: string | null;
  verdict: Verdict;
  score: number | null;
  scoreChange: number | null;
  /** Commits by people in each of the last 52 weeks; null before the first analysis. */
  weeks: readonly number[] | null;
  lastByPerson: string | null;
  absenceFactor: number | null;
  openAlerts: number;
  checkedAt: string | null;
  addedAt: string;
  labels: readonly string[];
  notes: string;
}

export function rowOf(item: Watched): Row {
  return {
    id: item.watchlist_id,
    watchId: item.user_watchlist_id,
    url: item.repository_url,
    name: item.name,
    host: repository(item.repository_url).host,
    status: item.status,
    stage: item.stage ?? null,
    verdict: item.verdict,
    score: item.score ?? null,
    scoreChange: item.score_change ?? null,
    weeks: item.weeks ?? null,
    lastByPerson: item.last_commit_by_person_at ?? null,
    absenceFactor: item.absence_factor ?? null,
    openAlerts: item.open_alerts.critical + item.open_alerts.mild,
    checkedAt: item.last_check?.at ?? null,
    addedAt: item.added_at,
    labels: item.labels,
    notes: item.notes ?? "",
  };
}

/** Returns the sentence that decided a row's verdict. */
export function reasonOf(row: Row): string {
  return row.verdict.reasons[0]?.message ?? "";
}

/** Returns the labels that are written in a text, with spaces or commas between. */
export function labelsIn(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Returns labels with some more and some fewer, both as texts. */
export function relabelled(labels: readonly string[], more: string, fewer: string): string[] {
  const gone = labelsIn(fewer);
  return [...new Set([...labels, ...labelsIn(more)])].filter((label) => !gone.includes(label));
}

export const SORTS = {
  worst: "Worst first",
  name: "Name",
  score: "Score",
  activity: "Commits",
  last: "Last commit",
  absence: "Absence factor",
  alerts: "Open alerts",
  checked: "Checked",
  added: "Added",
} as const;

export type Sort = keyof typeof SORTS;

type Key = string | number | null;

const RANK = new Map(VERDICTS.map((verdict, rank) => [verdict, rank]));

const KEYS: Record<Sort, (row: Row) => Key> = {
  worst: (row) => RANK.get(row.verdict.state)! * 10_000 - Math.min(row.openAlerts, 9999),
  name: (row) => row.name.toLowerCase(),
  score: (row) => row.score,
  activity: (row) => row.weeks && row.weeks.reduce((sum, value) => sum + value, 0),
  last: (row) => row.lastByPerson,
  absence: (row) => row.absenceFactor,
  alerts: (row) => -row.openAlerts,
  checked: (row) => row.checkedAt,
  added: (row) => row.addedAt,
};

/** Returns the rows in order; what is not known comes last, whichever way the order runs. */
export function sorted(rows: readonly Row[], sort: Sort, descending: boolean): Row[] {
  const keyed = rows.map((row) => ({ row, key: KEYS[sort](row) }));
  const sign = descending ? -1 : 1;
  keyed.sort((one, other) => {
    if (one.key === null || other.key === null) {
      if (one.key !== other.key) return one.key === null ? 1 : -1;
    } else if (one.key !== other.key) return one.key < other.key ? -sign : sign;
    return one.row.name < other.row.name ? -1 : 1;
  });
  return keyed.map(({ row }) => row);
}

export interface Wanted {
  verdict: string | null;
  label: string | null;
  text: string;
}

/** Returns whether a row is among those that are wanted; the text is looked for in name, reason, labels and notes. */
export function matches(row: Row, { verdict, label, text }: Wanted): boolean {
  if (verdict === "processing" ? row.status !== "processing" : verdict !== null && row.verdict.state !== verdict) return false;
  if (label !== null && !row.labels.includes(label)) return false;
  if (!text) return true;
  const held = `${row.name} ${row.host} ${row.verdict.state} ${reasonOf(row)} ${row.labels.join(" ")} ${row.notes}`.toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => held.includes(word));
}

/** Returns the rows as a table for spreadsheets (RFC 4180); no cell is taken for a formula. */
export function csv(rows: readonly Row[]): string {
  const columns: [string, (row: Row) => string | number | null][] = [
    ["repository", (row) => row.url],
    ["verdict", (row) => row.verdict.state],
    ["reason", reasonOf],
    ["status", (row) => row.status],
    ["score", (row) => row.score],
    ["score_change", (row) => row.scoreChange],
    ["commits_52_weeks", (row) => KEYS.activity(row)],
    ["last_commit_by_person_at", (row) => row.lastByPerson],
    ["absence_factor", (row) => row.absenceFactor],
    ["open_alerts", (row) => row.openAlerts],
    ["checked_at", (row) => row.checkedAt],
    ["labels", (row) => row.labels.join(" ")],
    ["notes", (row) => row.notes],
  ];
  const lines = rows.map((row) => columns.map(([, value]) => cell(value(row))).join(","));
  return [columns.map(([name]) => name).join(","), ...lines, ""].join("\r\n");
}

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
