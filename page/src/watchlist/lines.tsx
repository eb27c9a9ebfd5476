/**
 * The lines of the watchlist's table. A line that has not changed is not drawn again but moved at most, and the browser
 * lays out only those near the screen, a group at a time: so a thousand of them sort and scroll at once. The groups
 * are the frame's, the lines are our own, since the frame would draw a line anew that goes to another group.
 */
import { render } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import { now } from "../clock.ts";
import { ago, count, counted, day, moment } from "../format.ts";
import { Sparkline } from "../plots/sparkline.tsx";
import { VerdictMark } from "../verdict.tsx";
import { type Row, reasonOf } from "./row.ts";
import { Stage } from "./stage.tsx";
import { Change, Unknown } from "../value.tsx";

/** How many lines the browser lays out, or passes over, at once. */
const GROUP = 20;
const STALE_MS = 300_000;

interface Drawn {
  row: Row;
  on: boolean;
  age: number;
  line: HTMLElement;
}

interface Props {
  rows: readonly Row[];
  selected: ReadonlySet<string>;
}

export function Lines({ rows, selected }: Props) {
  const group = useRef<HTMLTableSectionElement>(null);
  const drawn = useRef(new Map<string, Drawn>());
  const age = Math.floor(now.value / STALE_MS);
  const firsts = rows.flatMap((_, at) => (at % GROUP ? [] : [at]));

  useLayoutEffect(() => {
    const before = drawn.current;
    const lines = rows.map((row) => draw(row, selected.has(row.watchId), age, before.get(row.watchId)));
    drawn.current = new Map(lines.map((line) => [line.row.watchId, line]));
    for (const [id, { line }] of before) if (!drawn.current.has(id)) line.remove(); // and is kept by nothing
    const focused = document.activeElement as HTMLElement;
    let body: Element = group.current!;
    let next: Element | null = body.firstElementChild;
    lines.forEach(({ line }, at) => {
      if (at && at % GROUP === 0) {
        body = body.nextElementSibling!;
        next = body.firstElementChild;
      }
      if (line === next) next = next.nextElementSibling;
      else body.insertBefore(line, next); // what stands there now is wanted further down
    });
    if (focused !== document.activeElement) focusAgain(focused);
  }, [rows, selected, age]);

  return firsts.map((first) => (
    <tbody key={first} role="rowgroup" style={{ "--lines": Math.min(GROUP, rows.length - first) }} ref={first ? null : group} />
  ));
}

/** Gives the focus back to what was moved with its line. A group that the browser passes over would not take it. */
function focusAgain(moved: HTMLElement): void {
  const style = moved.closest("tbody")?.style;
  if (!style) return;
  style.contentVisibility = "visible";
  moved.focus({ preventScroll: true });
  style.contentVisibility = ""; // the sheet says the same of a group that has the focus
}

function draw(row: Row, on: boolean, age: number, before: Drawn | undefined): Drawn {
  if (before?.row === row && before.on === on && before.age === age) return before;
  const line = before?.line ?? document.createElement("tr");
  line.role = "row";
  line.className = on ? "chosen" : "";
  line.dataset["watch"] = row.watchId;
  render(<Cells row={row} on={on} />, line);
  return { row, on, age, line };
}

function Cells({ row, on }: { row: Row; on: boolean }) {
  const at = Date.now();
  return (
    <>
      <td role="cell" class="c-select">
        <label class="tick">
          <input type="checkbox" aria-label={`Select ${row.name}`} checked={on} />
        </label>
      </td>
      <th role="rowheader" scope="row" class="c-name">
        <a href={`/r/${encodeURIComponent(row.id)}`}>
          <bdi>{row.name}</bdi>
        </a>
        <span class="sub">
          {row.host}
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
      <td role="cell" class="c-last number" data-title="Last commit" title={row.lastByPerson ? day(row.lastByPerson) : ""}>
        {row.lastByPerson ? ago(row.lastByPerson, at) : <Unknown what="no commit by a person known" />}
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
      <td role="cell" class="c-checked number" data-title="Checked" title={row.checkedAt ? moment(row.checkedAt) : ""}>
        {row.checkedAt ? ago(row.checkedAt, at) : <Unknown what="not yet checked" />}
      </td>
    </>
  );
}
