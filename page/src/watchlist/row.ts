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

/** Returns how many commits a row's 52 weeks have; null where they are not known. */
export function commits({ weeks }: Row): number | null {
  return weeks && weeks.reduce((sum, value) => sum + value, 0);
}

const KEYS: Record<Sort, (row: Row) => Key> = {
  worst: (row) => RANK.get(row.verdict.state)! * 10_000 - Math.min(row.openAlerts, 9999),
  name: (row) => row.name.toLowerCase(),
  score: (row) => row.score,
  activity: commits,
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
