/** Scorecard's checks, first what would help the score most. */
import type { Check, CheckChange, Scorecard } from "../api/answers.ts";
import { day } from "../format.ts";
import { Age, Elsewhere, Foreign } from "../ui.tsx";
import { Unknown } from "../value.tsx";
import { RISKS, missing } from "./risks.ts";

const DOCUMENTATION = "https://github.com/ossf/scorecard/";

const SOURCES: Record<string, string> = {
  forge: "Scorecard with the host's API",
  published: "the OpenSSF's weekly scan",
  local: "Scorecard on the files alone",
};

export function Checks({ scorecard, changes }: { scorecard: Scorecard | null; changes: readonly CheckChange[] }) {
  if (scorecard === null) return <p class="muted">Scorecard has not run yet.</p>;
  if (scorecard.score === null) {
    return (
      <p>
        There is no score: <Foreign>{scorecard.reason ?? "the reason is not known."}</Foreign>
      </p>
    );
  }
  const checks = [...scorecard.checks].sort((one, other) => missing(other) - missing(one) || (one.name < other.name ? -1 : 1));
  return (
    <>
      <ul class="checks">
        {checks.map((check) => (
          <li key={check.name}>
            <CheckLine check={check} change={changes.find(({ check: name }) => name === check.name)} />
          </li>
        ))}
      </ul>
      <p class="muted">
        From {SOURCES[scorecard.source ?? ""] ?? "an unknown source"}
        {scorecard.version && <>, version <Foreign>{scorecard.version}</Foreign></>}
        {scorecard.date && <>, <Age at={scorecard.date} /></>}.
      </p>
      {scorecard.passed_over.map(({ source, reason }) => (
        <p key={source} class="muted">
          Not from {SOURCES[source] ?? source}: <Foreign>{reason}</Foreign>
        </p>
      ))}
    </>
  );
}

function CheckLine({ check, change }: { check: Check; change: CheckChange | undefined }) {
  const risk = RISKS[check.name];
  const documentation = check.documentation_url?.startsWith(DOCUMENTATION) ? check.documentation_url : null;
  const found = check.details.length > 0;
  const head = (
    <>
      <span class={`check-score ${check.score === null ? "" : check.score >= 8 ? "good" : check.score >= 5 ? "fair" : "poor"}`}>
        {check.score === null ? <Unknown what="inconclusive" /> : check.score}
      </span>
      <span class="check-name">
        <Foreign>{check.name}</Foreign>
        {risk && <span class="tag">{risk} risk</span>}
        {change && (
          <span class={`tag ${(change.before ?? 0) < (check.score ?? 0) ? "tag-in" : "tag-out"}`}>
            was {change.before ?? "inconclusive"} before {day(change.since)}
          </span>
        )}
      </span>
      <span class="check-reason">
        <Foreign>{check.reason}</Foreign>
      </span>
    </>
  );
  return (
    <details class="check">
      <summary>{head}</summary>
      <div class="check-more">
        {found ? (
          <ul>
            {check.details.map((detail, at) => (
              <li key={at}>
                <Foreign>{detail}</Foreign>
              </li>
            ))}
            {check.details_omitted > 0 && <li class="muted">and {check.details_omitted} more</li>}
          </ul>
        ) : (
          <p class="muted">Scorecard names no findings.</p>
        )}
        <p>
          <Elsewhere href={documentation}>{documentation ? "What it checks, and how to mend it" : null}</Elsewhere>
        </p>
      </div>
    </details>
  );
}
