/** The table of the watchlist. A row that has not changed is not drawn again, so that a thousand of them sort at once. */
import type { VNode } from "preact";
import { useRef } from "preact/hooks";

import { now } from "../clock.ts";
import { ago, count, counted, day, moment, repository } from "../format.ts";
import { Sparkline } from "../plots/sparkline.tsx";
import { VerdictMark } from "../verdict.tsx";
import { Stage } from "./stage.tsx";
import { SORTS, type Row, type Sort, reasonOf } from "./row.ts";

const COLUMNS: { title: string; sort: Sort | null; kind: string; help?: string }[] = [
  { title: "Repository", sort: "name", kind: "c-name" },
  { title: "Verdict", sort: "worst", kind: "c-verdict" },
  { title: "Score", sort: "score", kind: "c-score number", help: "OpenSSF Scorecard, 0 to 10, and its change" },
  { title: "52 weeks", sort: "activity", kind: "c-weeks", help: "Commits by people, a bar a week" },
  { title: "Last commit", sort: "last", kind: "c-last number", help: "By a person" },
  { title: "Absence", sort: "absence", kind: "c-absence number", help: "The fewest people who made half of the commits" },
  { title: "Alerts", sort: "alerts", kind: "c-alerts number", help: "Open alerts" },
  { title: "Checked", sort: "checked", kind: "c-checked number" },
];

interface Props {
  rows: readonly Row[];
  sort: Sort;
  descending: boolean;
  sortBy: (sort: Sort) => void;
  selected: ReadonlySet<string>;
  select: (ids: readonly string[], on: boolean) => void;
  hover: (inside: boolean) => void;
}

const STALE_MS = 300_000;

export function Table({ rows, sort, descending, sortBy, selected, select, hover }: Props) {
  const drawn = useRef(new Map<string, { row: Row; on: boolean; age: number; node: VNode }>());
  const age = Math.floor(now.value / STALE_MS);
  const lines = rows.map((row) => {
    const on = selected.has(row.watchId);
    const before = drawn.current.get(row.watchId);
    if (before && before.row === row && before.on === on && before.age === age) return before;
    return { row, on, age, node: <Line key={row.watchId} row={row} on={on} select={select} /> };
  });
  drawn.current = new Map(lines.map((line) => [line.row.watchId, line])); // a row that is gone is kept by nothing
  const chosen = rows.filter((row) => selected.has(row.watchId)).length;
  return (
    <table class="watchlist" role="table" aria-label="Watchlist" onPointerEnter={() => hover(true)} onPointerLeave={() => hover(false)}>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col" class="c-select">
            <label class="tick">
              <input
                type="checkbox"
                aria-label={`Select all ${count(rows.length)} shown`}
                checked={chosen > 0 && chosen === rows.length}
                ref={(box) => {
                  if (box) box.indeterminate = chosen > 0 && chosen < rows.length;
                }}
                onChange={(event) => select(rows.map((row) => row.watchId), event.currentTarget.checked)}
              />
            </label>
          </th>
          {COLUMNS.map(({ title, sort: by, kind, help }) => (
            <th
              key={title}
              role="columnheader"
              scope="col"
              class={kind}
              aria-sort={by === sort ? (descending ? "descending" : "ascending") : undefined}
            >
              <button type="button" class="sort" title={help} onClick={() => by && sortBy(by)}>
                {title}
                <span class="sort-mark" aria-hidden="true">
                  {by === sort ? (descending ? "▼" : "▲") : ""}
                </span>
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{lines.map(({ node }) => node)}</tbody>
    </table>
  );
}

interface LineProps {
  row: Row;
  on: boolean;
  select: Props["select"];
}

function Line({ row, on, select }: LineProps) {
  const { host } = repository(row.url);
  const at = Date.now();
  return (
    <tr role="row" class={on ? "chosen" : ""} data-id={row.id}>
      <td role="cell" class="c-select">
        <label class="tick">
          <input type="checkbox" aria-label={`Select ${row.name}`} checked={on} onChange={(event) => select([row.watchId], event.currentTarget.checked)} />
        </label>
      </td>
      <th role="rowheader" scope="row" class="c-name">
        <a href={`/r/${encodeURIComponent(row.id)}`}>
          <bdi>{row.name}</bdi>
        </a>
        <span class="sub">
          <bdi>{host}</bdi>
          {row.labels.map((label) => (
            <span key={label} class="tag">
              <bdi>{label}</bdi>
            </span>
          ))}
        </span>
      </th>
      <td role="cell" class="c-verdict">
        {row.status === "processing" ? (
          <Stage progress={row.stage === null ? null : { stage: row.stage, done: 0, total: null }} />
        ) : (
          <>
            <VerdictMark state={row.verdict.state} />
            <span class="reason" title={reasonOf(row)}>
              {reasonOf(row)}
            </span>
          </>
        )}
      </td>
      <td role="cell" class="c-score number" data-title="Score">
        {row.score === null ? <Unknown what="no score" /> : row.score.toFixed(1)}
        <Change by={row.scoreChange} />
      </td>
      <td role="cell" class="c-weeks">
        {row.weeks ? <Sparkline weeks={row.weeks} /> : <Unknown what="not analysed" />}
      </td>
      <td role="cell" class="c-last number" data-title="Last commit">
        {row.lastByPerson ? (
          <time dateTime={row.lastByPerson} title={day(row.lastByPerson)}>
            {ago(row.lastByPerson, at)}
          </time>
        ) : (
          <Unknown what="no commit by a person known" />
        )}
      </td>
      <td role="cell" class="c-absence number" data-title="Absence factor">
        {row.absenceFactor ?? <Unknown what="absence factor unknown" />}
      </td>
      <td role="cell" class="c-alerts number" data-title="Alerts">
        {row.openAlerts > 0 ? (
          <a class="alerts" href={`/alerts?repository=${encodeURIComponent(row.id)}`} aria-label={`${counted(row.openAlerts, "open alert")} of ${row.name}`}>
            {count(row.openAlerts)}
          </a>
        ) : (
          <span class="muted">0</span>
        )}
      </td>
      <td role="cell" class="c-checked number" data-title="Checked">
        {row.checkedAt ? (
          <time dateTime={row.checkedAt} title={moment(row.checkedAt)}>
            {ago(row.checkedAt, at)}
          </time>
        ) : (
          <Unknown what="not yet checked" />
        )}
      </td>
    </tr>
  );
}

/** Unknown is its own state: it looks like nothing else, and says what is not known. */
export function Unknown({ what }: { what: string }) {
  return (
    <span class="unknown" title={what}>
      <span aria-hidden="true">–</span>
      <span class="unseen">{what}</span>
    </span>
  );
}

export function Change({ by }: { by: number | null }) {
  if (by === null || by === 0) return null;
  const text = `${by > 0 ? "▲" : "▼"}${Math.abs(by).toFixed(1)}`;
  return (
    <span class={`change ${by > 0 ? "better" : "worse"}`} title={`${by > 0 ? "up" : "down"} by ${Math.abs(by).toFixed(1)} since the analysis before`}>
      {text}
    </span>
  );
}

export function SortChoice({ sort, descending, sortBy }: Pick<Props, "sort" | "descending" | "sortBy">) {
  return (
    <label class="sort-choice">
      Sort by{" "}
      <select value={sort} onChange={(event) => sortBy(event.currentTarget.value as Sort)}>
        {Object.entries(SORTS).map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
      <button type="button" aria-label={descending ? "Descending; make it ascending" : "Ascending; make it descending"} onClick={() => sortBy(sort)}>
        {descending ? "▼" : "▲"}
      </button>
    </label>
  );
}
