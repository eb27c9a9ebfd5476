/** `/ops`: what waits, what runs, what became of jobs; for operators. */
import { useEffect, useRef, useState } from "preact/hooks";

import { attempt } from "./announce.ts";
import type { Job, Jobs, OpenJob, OpenJobs, Queue, Queues } from "./api/answers.ts";
import { type ApiError, call, path } from "./api/client.ts";
import { type Polling, poll } from "./api/polling.ts";
import { count, counted, quantile, repository, span, words } from "./format.ts";
import { Histogram } from "./plots/histogram.tsx";
import { address, refine } from "./router.ts";
import { Age, Confirm, Failed, Foreign, Heading, Loading, Notice, Section } from "./ui.tsx";

const BUSY_MS = 2000;
const IDLE_MS = 10_000;
const SHOWN = 100;

interface Shown {
  queues: readonly Queue[];
  tasks: Queues["tasks"];
  open: OpenJobs;
  jobs: readonly (Job & { queue: string })[];
}

export function OpsPage() {
  const [answer, setAnswer] = useState<Shown | null>(null);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const polling = useRef<Polling | null>(null);
  useEffect(() => {
    polling.current = poll(async (signal) => {
      try {
        const [{ queues, tasks }, jobs, open] = await Promise.all([
          call<Queues>("GET", "/activity/queues", { signal }),
          call<Jobs>("GET", "/activity/jobs", { signal }),
          call<OpenJobs>("GET", "/activity/jobs/open", { signal }),
        ]);
        setAnswer({ queues, tasks, open, jobs: recent(jobs) });
        setFailure(null);
        return open.items.length ? BUSY_MS : IDLE_MS;
      } catch (error) {
        if (!signal.aborted) setFailure(error as ApiError);
        throw error;
      }
    });
    return () => polling.current?.stop();
  }, []);
  return (
    <>
      <Heading>Operations</Heading>
      {failure?.status === 403 && (
        <Notice title="This is for operators">
          <p>Why your own repositories wait, their pages say.</p>
        </Notice>
      )}
      {failure && failure.status !== 403 && <Failed error={failure} retry={() => polling.current?.now()} />}
      {!failure && answer === null && <Loading what="queues and jobs" />}
      {answer !== null && (
        <>
          <QueueTable {...answer} redriven={() => polling.current?.now()} />
          <OpenTable {...answer.open} />
          <Failures jobs={answer.jobs} />
          <Times jobs={answer.jobs} />
          <JobTable jobs={answer.jobs} />
        </>
      )}
    </>
  );
}

function recent({ queues }: Jobs): Shown["jobs"] {
  return queues
    .flatMap(({ queue, completed, failed }) => [...completed, ...failed].map((job) => ({ ...job, queue })))
    .sort((one, other) => (one.ended_at < other.ended_at ? 1 : -1));
}

/** A number that leads to what it counts. */
function Counted({ value, href, bad = false }: { value: number; href: string; bad?: boolean }) {
  if (value === 0) return <span class="muted">0</span>;
  return (
    <a class={bad ? "bad-number" : ""} href={href}>
      {count(value)}
    </a>
  );
}

function QueueTable({ queues, tasks, jobs, redriven }: Shown & { redriven: () => void }) {
  const [asking, setAsking] = useState<Queue | null>(null);
  const redrive = (): void => {
    const { queue } = asking!;
    setAsking(null);
    void attempt(() => call("POST", path("/activity/queues/{queue}/redrive", { queue })), "They begin anew.").then(redriven);
  };
  const of = (queue: string, outcome: string) => jobs.filter((job) => job.queue === queue && job.outcome === outcome).length;
  return (
    <Section title="Queues" id="queues">
      <div class="scroll" tabIndex={0} role="region" aria-label="Queues, as a table">
        <table class="plain queues">
          <thead>
            <tr>
              {["Queue", "Waiting", "In flight", "Delayed", "Oldest", "Dead", "Completed", "Failed"].map((title, at) => (
                <th key={title} scope="col" class={at ? "number" : ""}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {queues.map((queue) => {
              const name = queue.queue;
              const list = (outcome: string) => `/ops?queue=${name}&outcome=${outcome}#jobs`;
              return (
                <tr key={name}>
                  <th scope="row">{words(name)}</th>
                  <td class="number">{count(queue.waiting)}</td>
                  <td class="number">{count(queue.in_flight)}</td>
                  <td class="number">{count(queue.delayed)}</td>
                  <td class="number">{queue.oldest_seconds == null ? <span class="muted">none</span> : span(queue.oldest_seconds)}</td>
                  <td class="number">
                    <Counted value={queue.dead_letters} href={list("failed")} bad />{" "}
                    {queue.dead_letters > 0 && (
                      <button type="button" onClick={() => setAsking(queue)}>
                        Redrive {count(queue.dead_letters)} …
                      </button>
                    )}
                  </td>
                  <td class="number">
                    <Counted value={of(name, "completed")} href={list("completed")} />
                  </td>
                  <td class="number">
                    <Counted value={of(name, "failed")} href={list("failed")} bad />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="muted">
        Of the last 100 completed and 50 failed.{" "}
        {tasks.map(({ share, taken, slots }) => `${words(share)} tasks: ${count(taken)} of ${count(slots)}.`).join(" ")}
      </p>
      {asking && (
        <Confirm title="Redrive dead letters?" action={`Redrive ${asking.dead_letters}`} close={() => setAsking(null)} run={redrive}>
          <p>{counted(asking.dead_letters, "job")} of {words(asking.queue)} begin anew with all attempts; those that are out of date are dropped.</p>
        </Confirm>
      )}
    </Section>
  );
}

const WHY: Record<OpenJob["standing"], string> = {
  running: "A task works on it",
  starting: "Its task starts",
  in_line: "Others are first, or all tasks are taken",
  paused: "Its next attempt has its time",
  queued: "Its message waits to be received",
};

/** What has not ended, and why. */
function OpenTable({ items, more }: OpenJobs) {
  return (
    <Section title="Open jobs" id="open">
      {items.length === 0 && <p class="muted">Nothing waits and nothing runs.</p>}
      <ul class="jobs">
        {items.map((job) => (
          <li key={job.job_id}>
            <span class="outcome">{words(job.standing)}</span>
            <a href={`/r/${encodeURIComponent(job.watchlist_id)}`}>
              <Foreign>{repository(job.repository_url).name}</Foreign>
            </a>
            <span class="job-times muted">
              {words(job.queue)} · {counted(job.attempt, "attempt")} · {WHY[job.standing]}
              {job.next_attempt_at && <>: <Age at={job.next_attempt_at} /></>}
            </span>
            <span class="number muted">
              <Age at={job.queued_at} />
            </span>
            {job.last_error && (
              <span class="job-error">
                <code>{job.last_error.code}</code> <Foreign>{job.last_error.message}</Foreign>
              </span>
            )}
          </li>
        ))}
      </ul>
      {more && <p class="muted">And more, queued later.</p>}
    </Section>
  );
}

function Failures({ jobs }: { jobs: Shown["jobs"] }) {
  const failed = jobs.filter((job) => job.error);
  const codes = new Map<string, Job[]>();
  for (const job of failed) codes.set(job.error!.code, [...(codes.get(job.error!.code) ?? []), job]);
  return (
    <Section title="Failures by code" id="failures">
      {codes.size === 0 ? (
        <p class="muted">None of the recent jobs failed.</p>
      ) : (
        <ul class="failures">
          {[...codes].sort(([, one], [, other]) => other.length - one.length).map(([code, of]) => (
            <li key={code}>
              <a href={`/ops?code=${code}#jobs`}>
                <b>{count(of.length)}</b> <code>{code}</code>
              </a>{" "}
              <Foreign>{of[0]!.error!.message}</Foreign>
              <span class="muted">{of[0]!.error!.retryable ? " Another try can help." : " Trying again does not help."}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Times({ jobs }: { jobs: Shown["jobs"] }) {
  const known = (values: (number | null | undefined)[]) => values.filter((value) => value != null);
  return (
    <Section title="Wait and run times" id="times">
      <div class="plots">
        <Histogram title="Waited" seconds={known(jobs.map((job) => job.seconds_queued))} />
        <Histogram title="Ran" seconds={known(jobs.map((job) => job.seconds_run))} />
      </div>
    </Section>
  );
}

function JobTable({ jobs }: { jobs: Shown["jobs"] }) {
  const query = address.value.searchParams;
  const [queue, outcome, code] = [query.get("queue"), query.get("outcome"), query.get("code")];
  const chosen = jobs.filter(
    (job) => (!queue || job.queue === queue) && (!outcome || job.outcome === outcome) && (!code || job.error?.code === code),
  );
  const filters = [queue && words(queue), outcome, code].filter(Boolean);
  const run = quantile(chosen.flatMap((job) => job.seconds_run ?? []), 0.5);
  return (
    <Section
      title="Recent jobs"
      id="jobs"
      aside={
        filters.length > 0 && (
          <button type="button" class="quiet" onClick={() => refine({ queue: null, outcome: null, code: null })}>
            Only {filters.join(", ")} ✕
          </button>
        )
      }
    >
      <p class="muted" role="status">
        {counted(chosen.length, "job")}
        {run !== null && `, half of them ran at most ${span(run)}`}.
      </p>
      <ul class="jobs">
        {chosen.slice(0, SHOWN).map((job) => (
          <li key={job.job_id}>
            <span class={`outcome outcome-${job.outcome}`}>{job.outcome}</span>
            <a href={`/r/${encodeURIComponent(job.watchlist_id)}`}>
              <Foreign>{repository(job.repository_url).name}</Foreign>
            </a>
            <span class="job-times muted">
              {words(job.queue)} · waited {job.seconds_queued == null ? "–" : span(job.seconds_queued)} · ran{" "}
              {job.seconds_run == null ? "–" : span(job.seconds_run)} · {counted(job.attempts, "attempt")}
            </span>
            <span class="number muted">
              <Age at={job.ended_at} />
            </span>
            {job.error && (
              <span class="job-error">
                <code>{job.error.code}</code> <Foreign>{job.error.message}</Foreign>
              </span>
            )}
          </li>
        ))}
      </ul>
      {chosen.length > SHOWN && <p class="muted">and {count(chosen.length - SHOWN)} more</p>}
    </Section>
  );
}
