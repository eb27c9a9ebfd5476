/** `/alerts`: what is open, by repository; many at once, also from the keyboard. */
import { useEffect, useRef, useState } from "preact/hooks";

import { attempt } from "./announce.ts";
import type { AlertsChanged, UserAlert, UserAlertPage } from "./api/answers.ts";
import { call, everything } from "./api/client.ts";
import { type Polling, poll } from "./api/polling.ts";
import { count, counted, linkable } from "./format.ts";
import { AlertText, isOpen } from "./repository/alerts.tsx";
import { listen } from "./live.ts";
import { address, refine } from "./router.ts";
import { user } from "./session.ts";
import { Failed, Foreign, Heading, Loading, Notice } from "./ui.tsx";
import { refreshNow } from "./watchlist/store.ts";

const PAGE = 100;
const USUAL_MS = 20_000;

type Group = readonly UserAlert[];

export function AlertsPage() {
  const only = address.value.searchParams.get("repository");
  const past = address.value.searchParams.has("all");
  const [alerts, setAlerts] = useState<readonly UserAlert[] | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const polling = useRef<Polling | null>(null);
  useEffect(() => {
    polling.current = poll(async (signal) => {
      try {
        const query = { user: user.value, watchlist_id: only, state: past ? null : "open", limit: PAGE };
        setAlerts(await everything((cursor) => call<UserAlertPage>("GET", "/activity/alerts", { query: { ...query, cursor }, signal })));
        setFailure(null);
      } catch (error) {
        if (!signal.aborted) setFailure(error as Error);
        throw error;
      }
      return USUAL_MS;
    });
    const deaf = listen(({ type }) => type === "alert" && polling.current?.soon());
    return () => {
      deaf();
      polling.current?.stop();
    };
  }, [past, only]);

  const groups = grouped(alerts ?? []);
  return (
    <>
      <div class="title">
        <Heading>Alerts</Heading>
        <label class="toggle">
          <input type="checkbox" checked={past} onChange={(event) => refine({ all: event.currentTarget.checked ? "1" : null })} /> also resolved
        </label>
      </div>
      {only !== null && (
        <p>
          Only of <Foreign>{alerts?.[0]?.name ?? only}</Foreign>.{" "}
          <button type="button" class="quiet" onClick={() => refine({ repository: null })}>
            Show all
          </button>
        </p>
      )}
      {failure && <Failed error={failure} retry={() => polling.current?.now()} />}
      {alerts === null && !failure && <Loading what="alerts" />}
      {alerts?.length === 0 && (
        <Notice title={past ? "Nothing was alerted in 90 days" : "Nothing is open"}>
          <p>What is raised about your repositories appears here, the newest first.</p>
        </Notice>
      )}
      {groups.length > 0 && <Groups groups={groups} changed={() => polling.current?.now()} />}
    </>
  );
}

/** Returns the alerts by repository, in the order of the first of each. */
function grouped(alerts: readonly UserAlert[]): Group[] {
  const groups = new Map<string, UserAlert[]>();
  for (const alert of alerts) groups.set(alert.watchlist_id, [...(groups.get(alert.watchlist_id) ?? []), alert]);
  return [...groups.values()];
}

function Groups({ groups, changed }: { groups: readonly Group[]; changed: () => void }) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const list = useRef<HTMLDivElement>(null);
  const open = groups.flat().filter(isOpen);
  const chosen = open.filter(({ id }) => selected.has(id));

  const select = (ids: readonly string[], on: boolean) =>
    setSelected((before) => new Set(on ? [...before, ...ids] : [...before].filter((id) => !ids.includes(id))));
  const change = (verb: "acknowledge" | "resolve", of: readonly UserAlert[]): void => {
    const done = `${counted(of.length, "alert")} ${verb}d.`;
    void attempt(async () => {
      const ids = of.map(({ id }) => id);
      for (let from = 0; from < ids.length; from += PAGE) {
        await call<AlertsChanged>("POST", `/activity/alerts/${verb}`, { body: { ids: ids.slice(from, from + PAGE) } });
      }
      setSelected(new Set());
      changed();
      refreshNow();
    }, done);
  };
  const keyed = (event: KeyboardEvent): void => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const boxes = [...(list.current?.querySelectorAll<HTMLInputElement>("input[data-alert]") ?? [])];
    const at = boxes.indexOf(document.activeElement as HTMLInputElement);
    if (event.key === "j" || event.key === "k") boxes[Math.max(0, at + (event.key === "j" ? 1 : -1))]?.focus();
    else if (event.key === "a" && chosen.length) change("acknowledge", chosen);
    else if (event.key === "r" && chosen.length) change("resolve", chosen);
    else if (event.key === "x" && at >= 0) boxes[at]!.click();
    else return;
    event.preventDefault();
  };
  return (
    <div ref={list} onKeyDown={keyed}>
      <div class="tools">
        <button type="button" disabled={chosen.length === open.length} onClick={() => select(open.map(({ id }) => id), true)}>
          Select all {count(open.length)}
        </button>
        <span class="muted keys">
          With the focus in the list: <kbd>j</kbd> <kbd>k</kbd> move, <kbd>x</kbd> select, <kbd>a</kbd> acknowledge, <kbd>r</kbd> resolve
        </span>
      </div>
      {groups.map((alerts) => {
        const { watchlist_id, name } = alerts[0]!;
        return (
        <section key={watchlist_id} class="panel" aria-label={name}>
          <div class="panel-head">
            <h2>
              <a href={`/r/${encodeURIComponent(watchlist_id)}`}>
                <Foreign>{name}</Foreign>
              </a>
            </h2>
            {alerts.some(isOpen) && (
              <button type="button" class="quiet" onClick={() => select(alerts.filter(isOpen).map(({ id }) => id), true)}>
                Select {count(alerts.filter(isOpen).length)}
                <span class="unseen"> of {name}</span>
              </button>
            )}
          </div>
          <ul class="alert-list">
            {alerts.map((alert) => (
              <li key={alert.id} class={isOpen(alert) ? "" : "dealt"}>
                {isOpen(alert) ? (
                  <label class="tick">
                    <input
                      type="checkbox"
                      data-alert={alert.id}
                      aria-label={`Select: ${alert.message}`}
                      checked={selected.has(alert.id)}
                      onChange={(event) => select([alert.id], event.currentTarget.checked)}
                    />
                  </label>
                ) : (
                  <span class="tick" />
                )}
                <AlertText alert={alert} link={linkable(alert.commit_sha && alert.link, alert.repository_url)} />
                {!isOpen(alert) && <span class="muted">resolved</span>}
              </li>
            ))}
          </ul>
        </section>
        );
      })}
      {chosen.length > 0 && (
        <div class="chosen" role="region" aria-label="Selected alerts">
          <b>{counted(chosen.length, "alert")} selected</b>
          <button type="button" class="primary" onClick={() => change("acknowledge", chosen)}>
            Acknowledge {count(chosen.length)}
          </button>
          <button type="button" onClick={() => change("resolve", chosen)}>
            Resolve {count(chosen.length)}
          </button>
          <button type="button" class="quiet" onClick={() => setSelected(new Set())}>
            Select none
          </button>
        </div>
      )}
    </div>
  );
}
