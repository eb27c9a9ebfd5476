/** `/compare?ids=…`: some repositories, fact by fact. */
import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

import type { Compared, Comparison, Health, Scorecard } from "./api/answers.ts";
import { call, path } from "./api/client.ts";
import { count } from "./format.ts";
import { Sparkline } from "./plots/sparkline.tsx";
import { address } from "./router.ts";
import { Age, Failed, Foreign, Heading, Loading, Notice } from "./ui.tsx";
import { VerdictMark } from "./verdict.tsx";
import { MOST_COMPARED } from "./watchlist/row.ts";
import { Unknown } from "./value.tsx";

/** Returns what is shown of a value, nothing of one that is unknown. */
const known = <Value,>(value: Value | null | undefined, shown: (value: Value) => ComponentChildren) =>
  value == null ? null : shown(value);

interface Side extends Compared {
  checks: Scorecard["checks"];
}

const FACTS: [string, (side: Side) => ComponentChildren][] = [
  ["Verdict", ({ verdict }) => <VerdictMark state={verdict.state} />],
  ["Reason", ({ verdict }) => verdict.reasons[0]?.message],
  ["52 weeks", ({ weeks }) => known(weeks, (counts) => <Sparkline weeks={counts} />)],
  ["Last commit by a person", ({ last_commit_by_person_at }) => known(last_commit_by_person_at, (at) => <Age at={at} />)],
  ["Commits by people, 13 weeks", ({ commits_last_quarter }) => known(commits_last_quarter, count)],
  ["Commits by people, a year", ({ commits_last_year }) => known(commits_last_year, count)],
  ["Active people", ({ people_active }) => people_active],
  ["Absence factor", ({ absence_factor }) => absence_factor],
  ["Activity, of 100", ({ activity_score }) => activity_score],
  ["Scorecard, of 10", ({ score }) => score?.toFixed(1)],
  ["Latest release", ({ release }) => known(release?.latest, ({ version, made_at }) => (
    <>
      <Foreign>{version}</Foreign>, <Age at={made_at} none="date unknown" />
    </>
  ))],
  ["Days between releases, usually", ({ release }) => known(release?.usual_days, (days) => Math.round(days))],
  ["Commits since the release", ({ release }) => known(release?.commits_since, (since) => `${release!.commits_since_is_least ? "at least " : ""}${count(since)}`)],
  ["Stars", ({ stars }) => known(stars, count)],
  ["License, says the host", ({ license }) => license],
  ["Analysed", ({ analyzed_at }) => known(analyzed_at, (at) => <Age at={at} />)],
];

export function ComparePage() {
  const ids = [...new Set((address.value.searchParams.get("ids") ?? "").split(",").filter(Boolean))].slice(0, MOST_COMPARED);
  const [sides, setSides] = useState<Side[] | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const load = (): void => {
    if (ids.length > 1) void compared(ids).then(setSides).catch(setFailure);
  };
  useEffect(load, [ids.join(",")]);
  const names = [...new Set((sides ?? []).flatMap(({ checks }) => checks.map(({ name }) => name)))].sort();
  const score = ({ checks }: Side, name: string) => checks.find((check) => check.name === name)?.score;
  return (
    <>
      <Heading>Compare</Heading>
      {ids.length < 2 && (
        <Notice title={`Choose two to ${MOST_COMPARED} repositories`}>
          <p>
            Select them on your <a href="/">watchlist</a>.
          </p>
        </Notice>
      )}
      {failure && <Failed error={failure} retry={load} />}
      {ids.length >= 2 && sides === null && !failure && <Loading what="the repositories" rows={10} />}
      {sides !== null && sides.length > 1 && (
        <div class="scroll panel" tabIndex={0} role="region" aria-label="Comparison">
          <table class="plain compare">
            <thead>
              <tr>
                <td />
                {sides.map(({ watchlist_id: id, name }) => (
                  <th key={id} scope="col">
                    <a href={`/r/${encodeURIComponent(id)}`}>
                      <Foreign>{name}</Foreign>
                    </a>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {FACTS.map(([title, value]) => (
                <Line key={title} title={title} sides={sides} value={value} />
              ))}
              {names.map((name) => (
                <Line key={name} title={name} sides={sides} value={(each) => score(each, name)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Line({ title, sides, value }: { title: string; sides: readonly Side[]; value: (side: Side) => ComponentChildren }) {
  return (
    <tr>
      <th scope="row">
        <Foreign>{title}</Foreign>
      </th>
      {sides.map((each) => (
        <td key={each.watchlist_id}>{value(each) ?? <Unknown what="unknown" />}</td>
      ))}
    </tr>
  );
}

async function compared(ids: string[]): Promise<Side[]> {
  const { items } = await call<Comparison>("GET", "/activity/compare", { query: { watchlist_ids: ids.join(",") } });
  const health = items.map(({ watchlist_id: id }) =>
    call<Health>("GET", path("/activity/watchlist/{id}/health", { id })).catch(() => null), // none yet
  );
  const analyses = await Promise.all(health);
  return items.map((item, at) => ({ ...item, checks: analyses[at]?.scorecard?.checks ?? [] }));
}
