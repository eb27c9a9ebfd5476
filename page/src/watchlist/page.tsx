/** `/`: all that a user watches, the most worrying first. */
import { useMemo, useRef, useState } from "preact/hooks";

import { count, counted } from "../format.ts";
import { later } from "../later.tsx";
import { address, refine } from "../router.ts";
import { Failed, Heading, Loading, Notice } from "../ui.tsx";
import { VerdictMark } from "../verdict.tsx";
import { VERDICTS } from "../verdicts.ts";
import { type Row, SORTS, type Sort, matches, sorted } from "./row.ts";
import { failure, refreshNow, rows } from "./store.ts";
import { SortChoice, Table } from "./table.tsx";

const Add = later(() => import("../parts/editing.ts").then((part) => part.Add), null);
const Chosen = later(() => import("../parts/editing.ts").then((part) => part.Chosen), null);

const DESCENDING_AT_FIRST: ReadonlySet<Sort> = new Set(["activity", "added", "checked", "last"]);

export function WatchlistPage() {
  const [adding, setAdding] = useState(address.value.searchParams.has("add"));
  const all = rows.value;
  return (
    <>
      <div class="title">
        <Heading>Watchlist</Heading>
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          Add repositories
        </button>
      </div>
      {failure.value && all === null && <Failed error={failure.value} retry={refreshNow} />}
      {failure.value && all !== null && (
        <p class="stale" role="status">
          {failure.value.isOffline ? "The service cannot be reached" : failure.value.message}; what you see may be old.
        </p>
      )}
      {all === null && !failure.value && <Loading what="your watchlist" rows={8} />}
      {all?.length === 0 && (
        <Notice title="You watch nothing yet">
          <p>Name public repositories; within a minute each has a verdict: is it alive, and why.</p>
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            Add repositories
          </button>
        </Notice>
      )}
      {all !== null && all.length > 0 && <Listed all={all} />}
      {adding && <Add close={() => setAdding(false)} />}
    </>
  );
}

function Listed({ all }: { all: readonly Row[] }) {
  const query = address.value.searchParams;
  const verdict = query.get("verdict");
  const label = query.get("label");
  const text = query.get("q") ?? "";
  const named = query.get("sort") ?? "worst";
  const sort = (named in SORTS ? named : "worst") as Sort;
  const descending = query.get("order") === "desc";
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [hovered, hover] = useState(false);
  const order = useRef<{ key: string; ids: string[] }>({ key: "", ids: [] });

  const shown = useMemo(
    () => sorted(all.filter((row) => matches(row, { verdict, label, text })), sort, descending),
    [all, verdict, label, text, sort, descending],
  );
  const key = [verdict, label, text, sort, descending].join("|");
  // Under the pointer nothing moves: new values are shown in place, and the order waits until the pointer is gone.
  const steady = hovered && order.current.key === key ? inOrder(shown, order.current.ids) : shown;
  order.current = { key, ids: steady.map((row) => row.watchId) };

  const sortBy = (by: Sort): void => {
    const down = by === sort ? !descending : DESCENDING_AT_FIRST.has(by);
    refine({ sort: by === "worst" ? null : by, order: down ? "desc" : null });
  };
  const select = (ids: readonly string[], on: boolean): void =>
    setSelected((before) => {
      const next = new Set(before);
      for (const id of ids) if (on) next.add(id);
      else next.delete(id);
      return next;
    });
  const chosen = steady.filter((row) => selected.has(row.watchId));
  const labels = [...new Set(all.flatMap((row) => row.labels))].sort();
  return (
    <>
      <Filters all={all} verdict={verdict} />
      <div class="tools">
        <input
          type="search"
          placeholder="Search names, reasons, notes"
          aria-label="Search"
          value={text}
          onInput={(event) => refine({ q: event.currentTarget.value })}
        />
        {labels.length > 0 && (
          <select aria-label="Label" value={label ?? ""} onChange={(event) => refine({ label: event.currentTarget.value })}>
            <option value="">All labels</option>
            {labels.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        )}
        <SortChoice sort={sort} descending={descending} sortBy={sortBy} />
        {steady.some((row, place) => row !== shown[place]) && <span class="muted">The order waits for the pointer to leave.</span>}
        <span class="muted shown" role="status">
          {steady.length === all.length ? counted(all.length, "repository", "repositories") : `${count(steady.length)} of ${count(all.length)}`}
        </span>
      </div>
      {steady.length === 0 ? (
        <Notice title="None of your repositories is like that">
          <button type="button" onClick={() => refine({ verdict: null, label: null, q: null })}>
            Show all
          </button>
        </Notice>
      ) : (
        <Table
          rows={steady}
          sort={sort}
          descending={descending}
          sortBy={sortBy}
          selected={selected}
          select={select}
          hover={hover}
        />
      )}
      {chosen.length > 0 && <Chosen chosen={chosen} none={() => setSelected(new Set())} />}
    </>
  );
}

/** Returns the rows in an order that was shown before; new ones come last. */
function inOrder(shown: readonly Row[], ids: readonly string[]): readonly Row[] {
  const places = new Map(ids.map((id, place) => [id, place]));
  const place = (row: Row) => places.get(row.watchId) ?? Number.MAX_SAFE_INTEGER;
  return [...shown].sort((one, other) => place(one) - place(other));
}

/** The totals, which are the filters. */
function Filters({ all, verdict }: { all: readonly Row[]; verdict: string | null }) {
  const processing = all.filter((row) => row.status === "processing").length;
  const settled = all.filter((row) => row.status !== "processing");
  const choose = (name: string) => refine({ verdict: verdict === name ? null : name });
  return (
    <div class="filters" role="group" aria-label="Filter by verdict">
      {processing > 0 && (
        <button type="button" aria-pressed={verdict === "processing"} onClick={() => choose("processing")}>
          <b>{count(processing)}</b> <span class="verdict v-processing">processing</span>
        </button>
      )}
      {VERDICTS.map((state) => {
        const number = settled.filter((row) => row.verdict.state === state).length;
        if (number === 0 && verdict !== state) return null;
        return (
          <button key={state} type="button" aria-pressed={verdict === state} onClick={() => choose(state)}>
            <b>{count(number)}</b> <VerdictMark state={state} />
          </button>
        );
      })}
    </div>
  );
}
