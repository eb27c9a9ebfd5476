/** `/alerts`: what is open, by repository; many at once, also from the keyboard. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import { attempt } from "./announce.ts";
import type { Alert } from "./api/answers.ts";
import { count, counted } from "./format.ts";
import { AlertText, act, isOpen } from "./repository/alerts.tsx";
import { alertsOf } from "./repository/store.ts";
import { address, refine } from "./router.ts";
import { Failed, Foreign, Heading, Loading, Notice } from "./ui.tsx";
import type { Row } from "./watchlist/row.ts";
import { failure as listFailure, refreshNow, rows, watch } from "./watchlist/store.ts";

const AT_ONCE = 6;

/** Alerts by the id of the user's entry. */
const known = signal<ReadonlyMap<string, readonly Alert[]>>(new Map());

export function AlertsPage() {
  useEffect(watch, []);
  const only = address.value.searchParams.get("repository");
  const past = address.value.searchParams.has("all");
  const [failure, setFailure] = useState<Error | null>(null);
  const [loaded, setLoaded] = useState(false);
  const all = rows.value;
  const asked = useRef(new Map<string, number>());

  useEffect(() => {
    if (all === null) return;
    const stale = all.filter((row) => asked.current.get(row.watchId) !== row.openAlerts && (row.openAlerts > 0 || past || row.id === only));
    void load(stale)
      .then(() => {
        for (const row of all) asked.current.set(row.watchId, row.openAlerts);
        setFailure(null);
        setLoaded(true);
      })
      .catch(setFailure);
  }, [all, past, only]);

  if (all === null) {
    return (
      <>
        <Heading>Alerts</Heading>
        {listFailure.value ? <Failed error={listFailure.value} retry={refreshNow} /> : <Loading what="alerts" />}
      </>
    );
  }
  const groups = all
    .filter((row) => only === null || row.id === only)
    .map((row) => ({ row, alerts: (known.value.get(row.watchId) ?? []).filter((alert) => past || isOpen(alert)) }))
    .filter(({ alerts }) => alerts.length > 0)
    .sort((one, other) => newest(other.alerts) - newest(one.alerts));
  return (
    <>
      <div class="title">
        <Heading>Alerts</Heading>
        <label class="toggle">
          <input type="checkbox" checked={past} onChange={(event) => refine({ all: event.currentTarget.checked ? "1" : null })} /> also what was
          dealt with
        </label>
      </div>
      {only !== null && (
        <p>
          Only of <Foreign>{all.find((row) => row.id === only)?.name ?? only}</Foreign>.{" "}
          <button type="button" class="quiet" onClick={() => refine({ repository: null })}>
            Show all
          </button>
        </p>
      )}
      {failure && <Failed error={failure} />}
      {!loaded && !failure && <Loading what="alerts" />}
      {loaded && groups.length === 0 && (
        <Notice title={past ? "Nothing was alerted in 90 days" : "Nothing is open"}>
          <p>What is raised about your {counted(all.length, "repository", "repositories")} appears here, the newest first.</p>
        </Notice>
      )}
      {groups.length > 0 && <Groups groups={groups} />}
    </>
  );
}

function newest(alerts: readonly Alert[]): number {
  return Math.max(...alerts.map(({ raised_at }) => Date.parse(raised_at)));
}

async function load(of: readonly Row[]): Promise<void> {
  const waiting = [...of];
  const work = async (): Promise<void> => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      const alerts = await alertsOf(row.watchId);
      known.value = new Map(known.value).set(row.watchId, alerts);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function Groups({ groups }: { groups: readonly { row: Row; alerts: readonly Alert[] }[] }) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const list = useRef<HTMLDivElement>(null);
  const open = groups.flatMap(({ alerts }) => alerts.filter(isOpen));
  const chosen = open.filter(({ id }) => selected.has(id));

  const select = (ids: readonly string[], on: boolean) =>
    setSelected((before) => new Set(on ? [...before, ...ids] : [...before].filter((id) => !ids.includes(id))));
  const change = (verb: "acknowledge" | "resolve", of: readonly Alert[]): void => {
    const done = `${counted(of.length, "alert")} ${verb}d.`;
    void attempt(async () => {
      for (let from = 0; from < of.length; from += AT_ONCE) {
        const changed = await Promise.all(of.slice(from, from + AT_ONCE).map((alert) => act(alert, verb)));
        replace(changed);
      }
      setSelected(new Set());
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
      <p class="muted keys">
        <kbd>j</kbd> <kbd>k</kbd> move, <kbd>x</kbd> select, <kbd>a</kbd> acknowledge, <kbd>r</kbd> resolve
      </p>
      {groups.map(({ row, alerts }) => (
        <section key={row.watchId} class="panel" aria-label={row.name}>
          <div class="panel-head">
            <h2>
              <a href={`/r/${encodeURIComponent(row.id)}`}>
                <Foreign>{row.name}</Foreign>
              </a>
            </h2>
            {alerts.some(isOpen) && (
              <button type="button" class="quiet" onClick={() => select(alerts.filter(isOpen).map(({ id }) => id), true)}>
                Select {count(alerts.filter(isOpen).length)}
                <span class="unseen"> of {row.name}</span>
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
                <AlertText alert={alert} />
                {!isOpen(alert) && <span class="muted">{alert.resolved_at ? "resolved" : "acknowledged"}</span>}
              </li>
            ))}
          </ul>
        </section>
      ))}
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

function replace(changed: readonly Alert[]): void {
  const next = new Map(known.value);
  for (const alert of changed) {
    const before = next.get(alert.user_watchlist_id) ?? [];
    next.set(alert.user_watchlist_id, before.map((each) => (each.id === alert.id ? alert : each)));
  }
  known.value = next;
}
