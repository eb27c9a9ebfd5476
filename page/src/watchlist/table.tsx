/** The table of the watchlist: its head, with a button a column, and its lines. */
import { count } from "../format.ts";
import { Lines } from "./lines.tsx";
import { SORTS, type Row, type Sort } from "./row.ts";

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

export function Table({ rows, sort, descending, sortBy, selected, select, hover }: Props) {
  const chosen = rows.filter((row) => selected.has(row.watchId)).length;
  return (
    <table
      class="watchlist"
      role="table"
      aria-label="Watchlist"
      onPointerEnter={() => hover(true)}
      onPointerLeave={() => hover(false)}
      onChange={({ target }) => {
        const id = (target as Element).closest<HTMLElement>("[data-watch]")?.dataset["watch"];
        if (id) select([id], (target as HTMLInputElement).checked);
      }}
    >
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
      <Lines rows={rows} selected={selected} />
    </table>
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
