/** Where every number comes from, how old it is, and what it leaves out. */
import type { Metrics, Scorecard, Status } from "../api/answers.ts";
import { count, pageLink, words } from "../format.ts";
import { Age, Elsewhere, Foreign } from "../ui.tsx";

export function Provenance({ status, scorecard, metrics }: { status: Status; scorecard: Scorecard | null; metrics: Metrics | null }) {
  const { package: described } = status;
  return (
    <dl class="pairs">
      <dt>Address</dt>
      <dd>
        <Foreign>{described.url}</Foreign>
      </dd>
      <dt>HEAD</dt>
      <dd>
        {status.head_sha ? (
          <code>
            <Elsewhere href={pageLink(status.commit_page, status.head_sha, described.url)}>{status.head_sha.slice(0, 12)}</Elsewhere>
          </code>
        ) : status.history?.state === "head_missing" ? (
          <>
            names a branch that does not exist; there are{" "}
            {status.history.branches.map((branch, at) => (
              <span key={branch}>
                {at > 0 && ", "}
                <Foreign>{branch}</Foreign>
              </span>
            ))}
          </>
        ) : (
          "none: no commits yet"
        )}
        {described.default_branch && (
          <>
            {" "}
            on <Foreign>{described.default_branch}</Foreign>
          </>
        )}
      </dd>
      <dt>Checked</dt>
      <dd>
        <Age at={status.checked_at} />
        {status.last_check && (
          <>
            ; last look <Age at={status.last_check.at} />: {words(status.last_check.outcome).toLowerCase()}
            {status.last_check.error && (
              <>
                , <Foreign>{status.last_check.error.message}</Foreign>
              </>
            )}
          </>
        )}
      </dd>
      <dt>Next check</dt>
      <dd>
        <Age at={status.next_check_at} none="when the present job has ended" />
      </dd>
      <dt>Analysed</dt>
      <dd>
        <Age at={status.analyzed_at} />
        {scorecard?.date && (
          <>
            ; Scorecard ran <Age at={scorecard.date} />
          </>
        )}
      </dd>
      <dt>Coverage</dt>
      <dd>
        {status.commits == null ? "commits not yet counted" : `${count(status.commits)} commits stored`}
        {metrics &&
          (metrics.complete
            ? ", all of the last 52 weeks"
            : `, the newest of the year: they cover the last ${metrics.covered_weeks} weeks; earlier ones are not known`)}
        {metrics && metrics.commits_with_lines < metrics.commits && `; lines are known of ${count(metrics.commits_with_lines)} of ${count(metrics.commits)}`}
        {metrics && metrics.future_dated > 0 && `; ${count(metrics.future_dated)} are dated in the future`}
        {status.history?.notes.map((note) => (
          <p key={note}>
            <Foreign>{note}</Foreign>
          </p>
        ))}
      </dd>
      <dt>Host says</dt>
      <dd>
        {described.reason ? (
          <Foreign>{described.reason}</Foreign>
        ) : (
          [
            described.language,
            described.license,
            described.stars != null && `${count(described.stars)} stars`,
            described.forks != null && `${count(described.forks)} forks`,
            described.archived && "archived",
          ]
            .filter(Boolean)
            .map((text, at) => (
              <span key={at}>
                {at > 0 && ", "}
                <Foreign>{String(text)}</Foreign>
              </span>
            ))
        )}
      </dd>
      <dt>Watched by</dt>
      <dd>{count(status.watchers)}</dd>
      <dt>Id</dt>
      <dd>
        <code>{status.watchlist_id}</code>
      </dd>
    </dl>
  );
}
