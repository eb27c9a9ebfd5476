/** `/compare?ids=…`: some repositories, fact by fact. */
import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

import type { Health, Metrics, Scorecard, Status } from "./api/answers.ts";
import { call, path } from "./api/client.ts";
import { count, repository } from "./format.ts";
import { Sparkline } from "./plots/sparkline.tsx";
import { address } from "./router.ts";
import { user } from "./session.ts";
import { Age, Failed, Foreign, Heading, Loading, Notice } from "./ui.tsx";
import { VerdictMark } from "./verdict.tsx";
import { rows, watch } from "./watchlist/store.ts";
import { Unknown } from "./watchlist/table.tsx";

const MOST = 6;

interface Side {
  status: Status;
  metrics: Metrics | null;
  scorecard: Scorecard | null;
}

function verdictOf({ watchlist_id }: Status) {
  return rows.value?.find(({ id }) => id === watchlist_id)?.verdict;
}

const FACTS: [string, (side: Side) => ComponentChildren][] = [
  ["Verdict", ({ status }) => verdictOf(status) && <VerdictMark state={verdictOf(status)!.state} />],
  ["Reason", ({ status }) => verdictOf(status)?.reasons[0]?.message],
  ["52 weeks", ({ metrics }) => metrics && <Sparkline weeks={metrics.commits_per_week} />],
  ["Commits by people", ({ metrics }) => metrics && count(metrics.commits)],
  ["Active people", ({ metrics }) => metrics && `${count(metrics.contributors_active)} of ${count(metrics.contributors_total)}`],
  ["Absence factor", ({ metrics }) => metrics?.contributor_absence_factor],
  ["Activity, of 100", ({ metrics }) => metrics?.activity.value],
  ["Scorecard, of 10", ({ scorecard }) => scorecard?.score?.toFixed(1)],
  ["Signed commits", ({ metrics }) => (metrics?.signed_share == null ? null : `${Math.round(metrics.signed_share * 100)} %`)],
  ["License, says the host", ({ status }) => status.package.license],
  ["Analysed", ({ status }) => status.analyzed_at && <Age at={status.analyzed_at} />],
];

export function ComparePage() {
  const ids = [...new Set((address.value.searchParams.get("ids") ?? "").split(",").filter(Boolean))].slice(0, MOST);
  const [sides, setSides] = useState<Side[] | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const load = (): void => void Promise.all(ids.map(side)).then(setSides).catch(setFailure);
  useEffect(watch, []);
  useEffect(load, [ids.join(",")]);
  const checks = [...new Set((sides ?? []).flatMap(({ scorecard }) => scorecard?.checks.map(({ name }) => name) ?? []))].sort();
  const score = ({ scorecard }: Side, name: string) => scorecard?.checks.find((check) => check.name === name)?.score;
  return (
    <>
      <Heading>Compare</Heading>
      {ids.length < 2 && (
        <Notice title="Choose two to six repositories">
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
                {sides.map(({ status }) => (
                  <th key={status.watchlist_id} scope="col">
                    <a href={`/r/${encodeURIComponent(status.watchlist_id)}`}>
                      <Foreign>{repository(status.package.url).name}</Foreign>
                    </a>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {FACTS.map(([title, value]) => (
                <Line key={title} title={title} sides={sides} value={value} />
              ))}
              {checks.map((name) => (
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
        <td key={each.status.watchlist_id}>{value(each) ?? <Unknown what="unknown" />}</td>
      ))}
    </tr>
  );
}

async function side(id: string): Promise<Side> {
  const query = { user: user.value };
  const [status, health] = await Promise.all([
    call<Status>("GET", path("/activity/watchlist/{id}/status", { id }), { query }),
    call<Health>("GET", path("/activity/watchlist/{id}/health", { id })),
  ]);
  return { status, metrics: health.history_metrics ?? null, scorecard: health.scorecard ?? null };
}
