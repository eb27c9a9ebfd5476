/** The watchlist as a file. */
import { type Row, commits, reasonOf } from "./row.ts";

/** Returns the rows as a table for spreadsheets (RFC 4180); no cell is taken for a formula. */
export function csv(rows: readonly Row[]): string {
  const columns: [string, (row: Row) => string | number | null][] = [
    ["repository", (row) => row.url],
    ["verdict", (row) => row.verdict.state],
    ["reason", reasonOf],
    ["status", (row) => row.status],
    ["score", (row) => row.score],
    ["score_change", (row) => row.scoreChange],
    ["commits_52_weeks", commits],
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

/** What a spreadsheet begins to take for a formula at, as `watchlist/text.py` has it. */
const FORMULA =
  /^(?=[\t\r\n])|(?<=^|[;\r\n])(?=[ \t\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = value.replace(FORMULA, "'");
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
