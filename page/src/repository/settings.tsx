/** What a user chose for one repository: notes and labels, who is told, and alerts as a form made of the API's description. */
import { useEffect, useRef, useState } from "preact/hooks";

import { attempt } from "../announce.ts";
import type { UserEntry } from "../api/answers.ts";
import { call, path } from "../api/client.ts";
import { words } from "../format.ts";
import { useTarget } from "../router.ts";
import { Failed, Loading, submitting } from "../ui.tsx";
import { Shares } from "../shares.tsx";
import { labelsIn } from "../watchlist/labels.ts";
import { NotificationForm } from "./notifications.tsx";
import { type AlertField, type AlertKind, alertKinds } from "./alert-kinds.ts";

type Value = number | boolean | null;
type Chosen = Record<string, Record<string, Value>>;

export function Settings({ id: repository, watching, changed }: { id: string; watching: UserEntry; changed: () => void }) {
  const id = watching.user_watchlist_id;
  const send = (method: string, route: string, body: unknown, done: string) =>
    void attempt(() => call(method, path(route, { id }), { body }), done).then((sent) => sent && changed());
  const saveDetails = (form: FormData) => {
    const body = { notes: String(form.get("notes")).trim() || null, labels: labelsIn(String(form.get("labels"))) };
    send("PATCH", "/activity/user-watchlist/{id}", body, "Saved.");
  };
  return (
    <>
      <form class="tools" onSubmit={submitting(saveDetails)}>
        <label>
          Notes <input name="notes" maxLength={1000} defaultValue={watching.notes ?? ""} />
        </label>
        <label>
          Labels <input name="labels" placeholder="with spaces between" defaultValue={watching.labels.join(" ")} />
        </label>
        <button type="submit">Save notes and labels</button>
      </form>
      <h3>Who is told of its alerts</h3>
      <NotificationForm id={id} />
      <h3>Badge of its verdict</h3>
      <Shares of={repository} />
      <h3>What is alerted</h3>
      <AlertForm
        chosen={watching.alerts as Chosen}
        action="Save alert settings"
        save={(body) => send("PUT", "/activity/user-watchlist-alerts/{id}", body, "Saved. It counts from the next check on.")}
      />
    </>
  );
}

interface AlertFormProps {
  /** What was chosen before. */
  chosen: Chosen;
  action: string;
  /** Called with what is chosen now, without what is left at its default. */
  save: (chosen: Chosen) => void;
}

export function AlertForm({ chosen: before, action, save }: AlertFormProps) {
  const [kinds, setKinds] = useState<AlertKind[] | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  useEffect(() => void alertKinds().then(setKinds).catch(setFailure), []);
  const [chosen, setChosen] = useState(before);
  const set = (kind: string, field: string, value: Value | undefined): void =>
    setChosen((former) => {
      const fields = { ...former[kind] };
      if (value === undefined) delete fields[field];
      else fields[field] = value;
      const next = { ...former, [kind]: fields };
      if (!Object.keys(fields).length) delete next[kind];
      return next;
    });
  if (failure) return <Failed error={failure} />;
  if (kinds === null) return <Loading what="the settings" />;
  return (
    <form class="settings" onSubmit={submitting(() => save(chosen))}>
      <div class="kinds">
        {kinds.map((kind) => (
          <Kind key={kind.name} kind={kind} chosen={chosen[kind.name] ?? {}} set={(field, value) => set(kind.name, field, value)} />
        ))}
      </div>
      <div class="actions">
        {Object.keys(before).length > 0 && (
          <button type="button" onClick={() => setChosen({})}>
            Set all to their defaults
          </button>
        )}
        <button type="submit" class="primary">
          {action}
        </button>
      </div>
    </form>
  );
}

interface KindProps {
  kind: AlertKind;
  chosen: Record<string, Value>;
  set: (field: string, value: Value | undefined) => void;
}

function Kind({ kind, chosen, set }: KindProps) {
  const enabled = chosen["enabled"] ?? true;
  const box = useRef<HTMLInputElement>(null);
  useTarget(`kind-${kind.name}`, () => box.current!.focus());
  return (
    <fieldset class={enabled ? "" : "off"}>
      <legend>
        <label>
          <input
            ref={box}
            type="checkbox"
            checked={enabled === true}
            onChange={(event) => set("enabled", event.currentTarget.checked ? undefined : false)}
          />{" "}
          {words(kind.name)}
        </label>
      </legend>
      <p class="muted">{marked(kind.description)}</p>
      {enabled === true &&
        kind.fields
          .filter(({ name }) => name !== "enabled")
          .map((field) => (
            <Field key={field.name} name={`${kind.name}.${field.name}`} field={field} value={chosen[field.name]} set={(value) => set(field.name, value)} />
          ))}
    </fieldset>
  );
}

/** Shows what stands between backticks as code. */
function marked(text: string) {
  return text.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part));
}

interface FieldProps {
  name: string;
  field: AlertField;
  value: Value | undefined;
  set: (value: Value | undefined) => void;
}

/** One setting. What was never chosen stays unchosen, so that a better default reaches it. */
function Field({ name, field, value, set }: FieldProps) {
  const help = `${name}-help`;
  const description = field.description.replace(/ ?`null` switches this threshold off\.?/, "");
  if (field.type === "boolean") {
    return (
      <label class="setting">
        <input
          type="checkbox"
          checked={(value ?? field.fallback) === true}
          onChange={({ currentTarget: { checked } }) => set(checked === field.fallback ? undefined : checked)}
        />{" "}
        {description}
      </label>
    );
  }
  const off = value === null;
  return (
    <div class="setting">
      <label>
        {words(field.name)}{" "}
        <input
          type="number"
          name={name}
          value={off ? "" : String(value ?? "")}
          placeholder={field.fallback === null ? "off" : String(field.fallback)}
          disabled={off}
          min={field.min ?? undefined}
          max={field.max ?? undefined}
          step={field.type === "integer" ? 1 : "any"}
          aria-describedby={help}
          onInput={({ currentTarget: { value: typed } }) => set(typed === "" ? undefined : Number(typed))}
        />
      </label>
      {field.nullable && (
        <label class="off-switch">
          <input type="checkbox" checked={off} onChange={(event) => set(event.currentTarget.checked ? null : undefined)} /> off
          <span class="unseen">: {words(field.name)}</span>
        </label>
      )}
      <span id={help} class="sub">
        {marked(description)}
      </span>
    </div>
  );
}
