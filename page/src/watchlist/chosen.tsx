/** What can be done with those that are selected, with their number on each button. */
import { useState } from "preact/hooks";

import { say } from "../announce.ts";
import { type ApiError, call, path } from "../api/client.ts";
import { count, counted } from "../format.ts";
import { later } from "../later.tsx";
import { Confirm, Dialog, submitting } from "../ui.tsx";
import { csv } from "./csv.ts";
import { relabelled } from "./labels.ts";
import { MOST_COMPARED, type Row } from "./row.ts";
import { refreshNow } from "./store.ts";

const AT_ONCE = 6;

const AlertForm = later(() => import("../parts/settings.ts").then((part) => part.AlertForm));

export function Chosen({ chosen, none }: { chosen: readonly Row[]; none: () => void }) {
  const [asking, setAsking] = useState<"labels" | "settings" | "stop" | null>(null);
  const [busy, setBusy] = useState(false);
  const failed = chosen.filter((row) => row.status === "failed");
  const many = counted(chosen.length, "repository", "repositories");
  const close = (): void => setAsking(null);

  const each = async (of: readonly Row[], done: string, act: (row: Row) => Promise<unknown>): Promise<void> => {
    close();
    setBusy(true);
    const waiting = [...of];
    const errors: string[] = [];
    const work = async (): Promise<void> => {
      for (let row = waiting.shift(); row; row = waiting.shift()) {
        const { name } = row;
        await act(row).catch((error: ApiError) => errors.push(`${name}: ${error.message}`));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    setBusy(false);
    refreshNow();
    const good = of.length - errors.length;
    say(errors.length ? `${good} ${done}, ${errors.length} not: ${errors[0]}` : `${counted(good, "repository", "repositories")} ${done}.`, errors.length > 0);
    if (!errors.length) none();
  };
  const stop = () =>
    void each(chosen, "removed", ({ watchId: id }) => call("DELETE", path("/activity/user-watchlist/{id}", { id })));
  const retry = () => void each(failed, "started over", ({ id }) => call("POST", path("/activity/watchlist/{id}/retry", { id })));
  const label = (form: FormData) =>
    void each(chosen, "labelled", (row) => {
      const labels = relabelled(row.labels, String(form.get("add")), String(form.get("remove")));
      return call("PATCH", path("/activity/user-watchlist/{id}", { id: row.watchId }), { body: { labels } });
    });
  const set = (body: object) =>
    void each(chosen, "set", ({ watchId: id }) => call("PATCH", path("/activity/user-watchlist-alerts/{id}", { id }), { body }));
  return (
    <div class="chosen" role="region" aria-label="Selected repositories">
      <b>{counted(chosen.length, "selected", "selected")}</b>
      {failed.length > 0 && (
        <button type="button" disabled={busy} onClick={retry}>
          Retry {count(failed.length)} failed
        </button>
      )}
      {chosen.length >= 2 && chosen.length <= MOST_COMPARED && (
        <a class="button" href={`/compare?ids=${chosen.map(({ id }) => encodeURIComponent(id)).join(",")}`}>
          Compare {chosen.length}
        </a>
      )}
      <button type="button" disabled={busy} onClick={() => setAsking("labels")}>
        Label {count(chosen.length)} …
      </button>
      <button type="button" disabled={busy} onClick={() => setAsking("settings")}>
        Set alerts of {count(chosen.length)} …
      </button>
      <button type="button" onClick={() => save(csv(chosen), "watchlist.csv")}>
        Export {count(chosen.length)}
      </button>
      <button type="button" class="danger" disabled={busy} onClick={() => setAsking("stop")}>
        Stop watching {count(chosen.length)} …
      </button>
      <button type="button" class="quiet" onClick={none}>
        Select none
      </button>
      {asking === "labels" && (
        <Dialog title={`Label ${many}`} close={close}>
          <form onSubmit={submitting(label)}>
            {["add", "remove"].map((what) => (
              <label key={what} class="field">
                Labels to {what} <input name={what} placeholder="with spaces between" />
              </label>
            ))}
            <div class="actions">
              <button type="submit" class="primary">
                Label {count(chosen.length)}
              </button>
            </div>
          </form>
        </Dialog>
      )}
      {asking === "settings" && (
        <Dialog title={`Set alerts of ${many}`} close={close} wide>
          <p>Only what you change here changes; the rest stays as each has it.</p>
          <AlertForm chosen={{}} action={`Set alerts of ${chosen.length}`} save={set} />
        </Dialog>
      )}
      {asking === "stop" && (
        <Confirm title={`Stop watching ${many}?`} action={`Stop watching ${chosen.length}`} close={close} run={stop}>
          <p>Your alerts and notes are deleted; what nobody else watches is forgotten.</p>
          <ul class="scroll" tabIndex={0} aria-label="Repositories">
            {chosen.map((row) => (
              <li key={row.watchId}>
                <bdi>{row.name}</bdi>
              </li>
            ))}
          </ul>
        </Confirm>
      )}
    </div>
  );
}

function save(text: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
