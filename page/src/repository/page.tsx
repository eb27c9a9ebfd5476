/** `/r/{id}`: everything about one repository, the answer first. */
import { useEffect, useMemo, useState } from "preact/hooks";

import { attempt } from "../announce.ts";
import type { Health, Metrics, Release, Scorecard, Status, Verdict } from "../api/answers.ts";
import { call, path } from "../api/client.ts";
import { time } from "../clock.ts";
import { ago, count, linkable, repository as named, words } from "../format.ts";
import { Hours } from "../plots/hours.tsx";
import { Scores } from "../plots/scores.tsx";
import { Weeks } from "../plots/weeks.tsx";
import { later } from "../later.tsx";
import { go } from "../router.ts";
import { Age, Confirm, Elsewhere, Fact, Failed, Foreign, Heading, Loading, Section } from "../ui.tsx";
import { VerdictMark } from "../verdict.tsx";
import { Change, Unknown } from "../value.tsx";
import { Stage } from "../watchlist/stage.tsx";
import { refreshNow, rows } from "../watchlist/store.ts";
import { Alerts, isOpen } from "./alerts.tsx";
import { Checks } from "./checks.tsx";
import { Commits } from "./commits.tsx";
import { Bots, Files, People } from "./people.tsx";
import { Provenance } from "./provenance.tsx";
import { Releases, rhythm, useReleases } from "./releases.tsx";
import { Repository } from "./store.ts";

const Settings = later(() => import("../parts/settings.ts").then((part) => part.Settings));

export function RepositoryPage({ id }: { id: string }) {
  const repository = useMemo(() => new Repository(id), [id]);
  useEffect(() => repository.watch(), [repository]);
  const analysed = repository.status.value?.analyzed_at;
  useEffect(refreshNow, [analysed]);
  const status = repository.status.value;
  const failure = repository.failure.value;
  if (status === null) {
    return (
      <>
        <Heading>Repository</Heading>
        {failure ? <Failed error={failure} retry={() => repository.refreshNow()} /> : <Loading what="the repository" rows={10} />}
      </>
    );
  }
  return (
    <article class="repository">
      <Head repository={repository} status={status} />
      {failure && <p class="stale" role="status">{failure.message} What you see may be old.</p>}
      {status.status === "processing" && <Processing status={status} isLive={repository.isLive} />}
      {status.last_error && status.status !== "ready" && <LastError status={status} />}
      <Analysis repository={repository} status={status} />
    </article>
  );
}

function Head({ repository, status }: { repository: Repository; status: Status }) {
  const { host, name } = named(status.package.url);
  const [asking, setAsking] = useState(false);
  const watching = repository.watching;
  const verdict = rows.value?.find(({ id }) => id === repository.id)?.verdict;
  const retry = () =>
    void attempt(() => call("POST", path("/activity/watchlist/{id}/retry", { id: repository.id })), "It is tried again.").then(() =>
      repository.refreshNow(),
    );
  const stop = () =>
    void attempt(
      () => call("DELETE", path("/activity/user-watchlist/{id}", { id: watching!.user_watchlist_id })),
      "You do not watch it any more.",
    ).then((done) => (done ? go("/") : setAsking(false)));
  return (
    <header class="repository-head">
      <p class="crumb">
        <a href="/">Watchlist</a> <span aria-hidden="true">/</span> <Foreign>{host}</Foreign>
      </p>
      <div class="title">
        <Heading>
          <Foreign>{name}</Foreign>
        </Heading>
        <div class="title-actions">
          <Elsewhere href={linkable(status.package.url, status.package.url)}>
            {linkable(status.package.url, status.package.url) ? "At its host" : null}
          </Elsewhere>
          {status.status === "failed" && (
            <button type="button" class="primary" onClick={retry}>
              Retry
            </button>
          )}
          {watching && (
            <button type="button" class="quiet" onClick={() => setAsking(true)}>
              Stop watching …
            </button>
          )}
        </div>
      </div>
      {status.package.description && (
        <p class="description">
          <Foreign>{status.package.description}</Foreign>
        </p>
      )}
      {verdict && <Answer status={status} verdict={verdict} />}
      {asking && (
        <Confirm title="Stop watching?" action="Stop watching" close={() => setAsking(false)} run={stop}>
          <p>
            Your alerts and notes on <Foreign>{name}</Foreign> are deleted; what nobody else watches is forgotten.
          </p>
        </Confirm>
      )}
    </header>
  );
}

/** Is it alive? In a sentence, with what else is worth saying. */
function Answer({ status, verdict }: { status: Status; verdict: Verdict }) {
  const { state, reasons } = verdict;
  const [first, ...others] = reasons;
  return (
    <div class={`answer v-${state}`}>
      <VerdictMark state={state} big />
      <div>
        <p class="answer-reason">{first?.message}</p>
        {others.length > 0 && (
          <ul class="answer-more">
            {others.map((reason) => (
              <li key={reason.code}>{reason.message}</li>
            ))}
          </ul>
        )}
        <p class="muted" hidden={!status.checked_at && !status.analyzed_at}>
          Looked at <Age at={status.checked_at} />, analysed <Age at={status.analyzed_at} />.
        </p>
      </div>
    </div>
  );
}

const STAGES = ["queued", "starting", "cloning", "storing_commits", "counting_lines", "analyzing", "done"];

function Processing({ status, isLive }: { status: Status; isLive: boolean }) {
  const at = STAGES.indexOf(status.progress?.stage ?? "queued");
  return (
    <section class="panel processing" aria-label="Processing">
      <ol class="steps">
        {STAGES.slice(0, -1).map((stage, step) => (
          <li key={stage} class={step < at ? "past" : step === at ? "present" : ""} aria-current={step === at ? "step" : undefined}>
            {words(stage)}
          </li>
        ))}
      </ol>
      {at > 0 && <Stage progress={status.progress ?? null} />}
      <p class="muted">
        {status.standing === "in_line" && "In line for a task. "}
        {isLive ? "Live" : "Asked for again and again"}; attempt {Math.max(1, status.attempt)} of {status.max_attempts}, since{" "}
        <Age at={status.processing_started_at} />.{" "}
        {status.next_attempt_at && (
          <>
            The next attempt is <Age at={status.next_attempt_at} />.
          </>
        )}
      </p>
    </section>
  );
}

function LastError({ status }: { status: Status }) {
  const error = status.last_error!;
  return (
    <div class="notice notice-bad">
      <p class="notice-title">{status.status === "failed" ? "It could not be analysed" : "The last attempt failed"}</p>
      <p>
        <Foreign>{error.message}</Foreign> <code>{error.code}</code>
        {error.stage && <> while {words(error.stage).toLowerCase()}</>}, <Age at={error.at} />.{" "}
        {status.status === "failed" && (error.retryable ? "Another try can help." : "Trying again will not help as things are.")}
      </p>
    </div>
  );
}

function Analysis({ repository, status }: { repository: Repository; status: Status }) {
  const health = repository.health.value;
  const alerts = repository.alerts.value;
  const open = (alerts ?? []).filter(isOpen).length;
  const listed = useReleases(repository.id, `${status.analyzed_at} ${status.release?.tags}`);
  if (health === null) return status.status === "processing" ? null : <Loading what="the analysis" rows={6} />;
  const metrics = (health.history_metrics ?? null) as Metrics | null;
  const scorecard = (health.scorecard ?? null) as Scorecard | null;
  const watching = repository.watching;
  return (
    <>
      {(metrics || scorecard) && <Facts health={health} metrics={metrics} scorecard={scorecard} release={status.release ?? null} open={open} />}
      <nav class="sections" aria-label="On this page">
        {watching && <a href="#alerts">Alerts</a>}
        <a href="#checks">Checks</a>
        <a href="#activity">Activity</a>
        <a href="#people">People</a>
        <a href="#releases">Releases</a>
        <a href="#commits">Commits</a>
        {watching && <a href="#settings">Settings</a>}
        <a href="#provenance">Provenance</a>
      </nav>
      {watching && <Alerts repository={repository} alerts={alerts} />}
      <Section title="Checks" id="checks">
        <Checks scorecard={scorecard} changes={repository.changes.value} />
      </Section>
      <Section title="Activity" id="activity">
        {metrics ? (
          <div class="plots">
            <Weeks
              people={metrics.commits_per_week}
              programs={metrics.bot_commits_per_week}
              until={metrics.computed_at}
              covered={metrics.covered_weeks}
              releases={listed.items ?? []}
            />
            <Hours table={metrics.commits_by_weekday_and_hour} />
            {health.history.length > 1 && (
              <Scores
                points={health.history
                  .map((point) => ({ at: point.analyzed_at, score: point.score ?? null, activity: point.activity_score ?? null }))
                  .reverse()}
                marks={(alerts ?? []).map(({ raised_at, message }) => ({ at: raised_at, text: message }))}
              />
            )}
          </div>
        ) : (
          <p class="muted">The history was not measured yet.</p>
        )}
      </Section>
      <Section title="People and files" id="people">
        {metrics ? (
          <div class="columns">
            <People metrics={metrics} />
            <Files metrics={metrics} />
            <Bots metrics={metrics} />
          </div>
        ) : (
          <p class="muted">Nobody is known yet.</p>
        )}
      </Section>
      <Section title="Releases" id="releases">
        <Releases status={status} listed={listed} />
      </Section>
      <Section title="Commits" id="commits">
        <Commits id={repository.id} url={status.package.url} page={status.commit_page} version={health.head_sha ?? ""} />
      </Section>
      {watching && (
        <Section title="Settings" id="settings">
          <Settings key={watching.user_watchlist_id} id={repository.id} watching={watching} changed={() => repository.refreshNow()} />
        </Section>
      )}
      <Section title="Provenance" id="provenance">
        <Provenance status={status} scorecard={scorecard} metrics={metrics} />
      </Section>
    </>
  );
}

interface FactsProps {
  health: Health;
  metrics: Metrics | null;
  scorecard: Scorecard | null;
  release: Release | null;
  open: number;
}

function Facts({ health, metrics, scorecard, release, open }: FactsProps) {
  const [, before] = health.history.filter(({ score }) => score !== null);
  const score = scorecard?.score ?? null;
  const change = score !== null && before?.score != null ? Math.round((score - before.score) * 10) / 10 : null;
  const { checks_conclusive: conclusive, checks_run: run } = scorecard ?? {};
  return (
    <dl class="facts">
      <Fact label="Scorecard" note={score === null ? <a href="#checks">{scorecard ? "why there is none" : "not run yet"}</a> : run ? `${conclusive} of ${run} checks conclusive` : null}>
        {score === null ? <Unknown what="no score" /> : score.toFixed(1)}
        {score !== null && <small> / 10</small>} <Change by={change} />
      </Fact>
      {metrics && (
        <>
          <Fact
            label="Activity"
            note={`recency ${metrics.activity.recency}/30, frequency ${metrics.activity.frequency}/30, regularity ${metrics.activity.regularity}/20, people ${metrics.activity.people}/20`}
          >
            {metrics.activity.value}
            <small> / 100</small>
          </Fact>
          <Fact label="Commits, 52 weeks" note={`by people; ${count(metrics.merges)} merges and ${count(metrics.bot_commits)} by programs besides`}>
            {count(metrics.commits)}
          </Fact>
          <Fact
            label="Active people"
            note={`of ${count(metrics.contributors_total)}; ${metrics.contributors_new ?? "unknown"} new, ${metrics.contributors_inactive ?? "unknown"} gone quiet`}
          >
            {count(metrics.contributors_active)}
          </Fact>
          <Fact label="Absence factor" note="people who made half of the commits">
            {metrics.contributor_absence_factor ?? <Unknown what="unknown" />}
          </Fact>
        </>
      )}
      {release?.latest && (
        <Fact label="Latest release" note={[release.latest.made_at && ago(release.latest.made_at, time()), rhythm(release)].filter(Boolean).join("; ")}>
          <Foreign>{release.latest.version}</Foreign>
        </Fact>
      )}
      <Fact label="Open alerts">{count(open)}</Fact>
    </dl>
  );
}
