/** The alerts of one repository: open ones first; what was dealt with on demand. */
import { useState } from "preact/hooks";

import { attempt } from "../announce.ts";
import type { Alert } from "../api/answers.ts";
import { call, path } from "../api/client.ts";
import { pageLink, words } from "../format.ts";
import { Age, Elsewhere, Foreign, Loading, Section } from "../ui.tsx";
import type { Repository } from "./store.ts";

/** As the API counts them: an alert that was only seen is still open. */
export function isOpen({ resolved_at }: Pick<Alert, "resolved_at">): boolean {
  return !resolved_at;
}

export function act(alert: Alert, verb: "acknowledge" | "resolve"): Promise<Alert> {
  return call<Alert>("PATCH", path(`/activity/alerts/{id}/${verb}`, { id: alert.id }));
}

export function Alerts({ repository, alerts }: { repository: Repository; alerts: readonly Alert[] | null }) {
  const [past, setPast] = useState(false);
  const { commit_page: page, package: described } = repository.status.value ?? {};
  if (alerts === null) return <Loading what="alerts" rows={2} />;
  const open = alerts.filter(isOpen);
  const shown = past ? alerts : open;
  const change = (alert: Alert, verb: "acknowledge" | "resolve") =>
    void attempt(async () => {
      const changed = await act(alert, verb);
      repository.alerts.value = (repository.alerts.value ?? []).map((each) => (each.id === changed.id ? changed : each));
    });
  return (
    <Section
      title={open.length ? `${open.length} open ${open.length === 1 ? "alert" : "alerts"}` : "No open alerts"}
      id="alerts"
      aside={
        alerts.length > open.length && (
          <button type="button" class="quiet" aria-pressed={past} onClick={() => setPast(!past)}>
            {past ? "Hide" : "Show"} {alerts.length - open.length} resolved
          </button>
        )
      }
    >
      {shown.length > 0 && (
        <ul class="alert-list">
          {shown.map((alert) => (
            <li key={alert.id} class={isOpen(alert) ? "" : "dealt"}>
              <AlertText alert={alert} link={pageLink(page, alert.commit_sha ?? "", described?.url ?? "")} />
              {isOpen(alert) ? (
                <span class="alert-actions">
                  {!alert.acknowledged_at && (
                    <button type="button" onClick={() => change(alert, "acknowledge")}>
                      Acknowledge<span class="unseen">: {alert.message}</span>
                    </button>
                  )}
                  <button type="button" onClick={() => change(alert, "resolve")}>
                    Resolve<span class="unseen">: {alert.message}</span>
                  </button>
                </span>
              ) : (
                <span class="muted">resolved</span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** `link` leads to the commit that it is about, if there is one. */
export function AlertText({ alert, link }: { alert: Alert; link: string | null }) {
  return (
    <span class="alert-text">
      <span class={`level level-${alert.level}`}>{alert.level}</span>
      <span>
        <Foreign>{alert.message}</Foreign>
        <span class="sub">
          {words(alert.kind)} · <Age at={alert.raised_at} />
          {alert.commit_sha && (
            <>
              {" · "}
              <code>
                <Elsewhere href={link}>{alert.commit_sha.slice(0, 10)}</Elsewhere>
              </code>
            </>
          )}
          {alert.acknowledged_at && " · seen"}
          {" · "}
          <a href={`/r/${encodeURIComponent(alert.watchlist_id)}#kind-${alert.kind}`}>
            Silence …<span class="unseen"> {words(alert.kind).toLowerCase()}</span>
          </a>
        </span>
      </span>
    </span>
  );
}
