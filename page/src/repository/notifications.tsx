/** Who is told of one repository's alerts: the user's channels, unless it has settings of its own. */
import { useEffect, useState } from "preact/hooks";

import { attempt } from "../announce.ts";
import type { Notifications } from "../api/answers.ts";
import { call, path } from "../api/client.ts";
import { Address, Delivered, Readers, Receiver, Secret, webhookOf } from "../deliveries.tsx";
import { Failed, Loading, submitting } from "../ui.tsx";

const ROUTE = "/activity/user-watchlist-notifications/{id}";
/** After what time a test that was asked for has most likely arrived. */
const ARRIVED_MS = 2000;

/** `id` names the user's watch. */
export function NotificationForm({ id }: { id: string }) {
  const [told, setTold] = useState<Notifications | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const load = (): void => {
    setFailure(null);
    call<Notifications>("GET", path(ROUTE, { id })).then(setTold, setFailure);
  };
  useEffect(load, [id]);
  const save = (method: string, body?: object) =>
    void attempt(async () => {
      const now = await call<Notifications>(method, path(ROUTE, { id }), { body });
      setTold(now);
      setSecret(now.webhook_secret ?? null);
    }, "Saved.");
  const test = () =>
    void attempt(() => call("POST", path(`${ROUTE}/test`, { id })), "A test is on its way.").then(() => setTimeout(load, ARRIVED_MS));
  if (failure) return <Failed error={failure} retry={load} />;
  if (told === null) return <Loading what="the notifications" rows={2} />;
  return (
    <>
      <Form key={JSON.stringify(told)} told={told} save={save} test={test} />
      {secret && <Secret secret={secret} close={() => setSecret(null)} />}
    </>
  );
}

interface FormProps {
  told: Notifications;
  save: (method: string, body?: object) => void;
  test: () => void;
}

function Form({ told, save, test }: FormProps) {
  const { overrides, email, webhook_url: url, webhook_format: format, last_delivery: last } = told;
  const [own, setOwn] = useState(overrides);
  const submit = (form: FormData): void => {
    if (!own) return save("DELETE");
    const { webhook_format: chosen, ...rest } = webhookOf(form);
    // What the address tells is no choice: a new address can tell otherwise.
    save("PATCH", { email: form.has("email"), ...rest, ...(chosen === (format ?? null) ? {} : { webhook_format: chosen }) });
  };
  return (
    <form class="told" onSubmit={submitting(submit)}>
      <label class="setting">
        <input type="radio" name="whose" checked={!own} onChange={() => setOwn(false)} /> <a href="/channels">Your channels</a>, by their rules
      </label>
      <label class="setting">
        <input type="radio" name="whose" checked={own} onChange={() => setOwn(true)} /> Only as follows
      </label>
      {own && (
        <fieldset>
          <legend>For this repository</legend>
          <label class="setting">
            <input type="checkbox" name="email" defaultChecked={email} /> E-mail
          </label>
          <Address url={url ?? null} help="https://… ; empty: no webhook" />
          <Readers format={format} />
          <p class="muted">Where nothing is chosen, nobody is told.</p>
        </fieldset>
      )}
      {overrides && (url || last) && (
        <p class="muted">
          {url ? <Receiver url={url} format={format} /> : "E-mail"}: {last ? <Delivered last={last} /> : "nothing was sent yet"}.
        </p>
      )}
      <div class="actions">
        {overrides && url && (
          <button type="button" onClick={test}>
            Send a test
          </button>
        )}
        <button type="submit" disabled={!own && !overrides}>
          Save who is told
        </button>
      </div>
    </form>
  );
}
