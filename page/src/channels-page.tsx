/** `/channels`: where alerts of all repositories are told, and which. */
import { useEffect, useState } from "preact/hooks";

import { attempt, say } from "./announce.ts";
import type { Channel, ChannelSettings, Channels, Rule } from "./api/answers.ts";
import { call, path } from "./api/client.ts";
import { Address, Delivered, Readers, Receiver, Secret, webhookOf } from "./deliveries.tsx";
import { count, words } from "./format.ts";
import { type AlertKind, alertKinds } from "./repository/alert-kinds.ts";
import { user } from "./session.ts";
import { Shares } from "./shares.tsx";
import { Confirm, Dialog, Failed, Foreign, Heading, Loading, Notice, Section, submitting } from "./ui.tsx";
import { VERDICTS } from "./verdicts.ts";
import { labelsIn } from "./watchlist/labels.ts";

const CHANNEL = "/activity/channels/{id}";
const LEVELS: Rule["levels"] = ["critical", "mild"];
const BLANK: ChannelSettings = { name: "", enabled: true, webhook_url: null, webhook_format: null, rules: [], weekly_report: false };
const STATES: Record<Channel["state"], string> = {
  new: "nothing was sent yet",
  working: "works",
  failing: "fails",
  switched_off: "is switched off: the address says that it is gone",
  off: "is off",
};

type Asking = { edit: Channel | null } | { remove: Channel } | { secret: string };

export function ChannelsPage() {
  const [channels, setChannels] = useState<Channels | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const [asking, setAsking] = useState<Asking | null>(null);
  const load = (): void => {
    setFailure(null);
    call<Channels>("GET", "/activity/channels", { query: { user: user.value } }).then(setChannels, setFailure);
  };
  useEffect(load, []);
  const close = (): void => setAsking(null);
  const save = async (channel: Channel | null, body: ChannelSettings): Promise<void> => {
    const saved = channel
      ? call<Channel>("PUT", path(CHANNEL, { id: channel.channel_id }), { body })
      : call<Channel>("POST", "/activity/channels", { query: { user: user.value }, body });
    await attempt(async () => {
      const { webhook_secret: secret } = await saved;
      setAsking(secret ? { secret } : null);
      load();
    }, "Saved.");
  };
  const act = (method: string, { channel_id: id }: Channel, what: string, done: string) =>
    void attempt(() => call(method, path(CHANNEL + what, { id })), done).then(() => setTimeout(load, what ? 2000 : 0));
  const remove = (channel: Channel): void => {
    close();
    act("DELETE", channel, "", "The channel is removed.");
  };
  return (
    <>
      <div class="title">
        <Heading>Channels</Heading>
        <button type="button" class="primary" onClick={() => setAsking({ edit: null })} disabled={channels !== null && channels.items.length >= channels.most}>
          Add a channel
        </button>
      </div>
      <p class="muted">Where alerts of all your repositories are told. A repository that has settings of its own goes by these.</p>
      {failure && <Failed error={failure} retry={load} />}
      {channels === null && !failure && <Loading what="channels" rows={3} />}
      {channels?.items.length === 0 && (
        <Notice title="Nobody is told yet">
          <p>A channel posts alerts to Slack, Teams, Discord or a program of yours, or mails them.</p>
        </Notice>
      )}
      {channels?.items.map((channel) => (
        <section key={channel.channel_id} class="panel" aria-label={channel.settings.name}>
          <div class="panel-head">
            <h2>
              <Foreign>{channel.settings.name}</Foreign>
            </h2>
            <div class="title-actions">
              <button type="button" disabled={!channel.settings.enabled} onClick={() => act("POST", channel, "/test", "A test is on its way.")}>
                Send a test
              </button>
              <button type="button" onClick={() => setAsking({ edit: channel })}>
                Change …
              </button>
              <button type="button" class="quiet" onClick={() => setAsking({ remove: channel })}>
                Remove …
              </button>
            </div>
          </div>
          <p>
            {channel.settings.webhook_url ? <Receiver url={channel.settings.webhook_url} format={channel.format} /> : "E-mail"} {STATES[channel.state]}
            {channel.last_delivery && (
              <>
                ; <Delivered last={channel.last_delivery} />
              </>
            )}
            .
          </p>
          <ul>
            {channel.settings.rules.map((rule, at) => (
              <li key={at} class="muted">
                <Foreign>{summary(rule)}</Foreign>
              </li>
            ))}
            {channel.settings.rules.length === 0 && <li class="muted">All alerts.</li>}
            {channel.settings.weekly_report && <li class="muted">The weekly report.</li>}
          </ul>
        </section>
      ))}
      <Section title="Shared addresses" id="shares">
        <p class="muted">Whoever knows one sees what it shows, without asking you. Badges are made on the pages of their repositories.</p>
        <Shares of={null} />
      </Section>
      {asking && "edit" in asking && <Form channel={asking.edit} close={close} save={(body) => void save(asking.edit, body)} />}
      {asking && "remove" in asking && (
        <Confirm title="Remove the channel?" action="Remove" close={close} run={() => remove(asking.remove)}>
          <p>
            Nothing is told to <Foreign>{asking.remove.settings.name}</Foreign> any more.
          </p>
        </Confirm>
      )}
      {asking && "secret" in asking && <Secret secret={asking.secret} close={close} />}
    </>
  );
}

/** Says which alerts a rule takes. */
function summary({ levels, kinds, labels, verdicts }: Rule): string {
  const parts = [
    levels.length && `${levels.join(" or ")} alerts`,
    kinds.length && kinds.map((kind) => words(kind).toLowerCase()).join(", "),
    labels.length && `repositories labelled ${labels.join(" or ")}`,
    verdicts.length && `repositories that are ${verdicts.join(" or ")}`,
  ];
  return `${parts.filter(Boolean).join("; ") || "All alerts"}.`;
}

interface FormProps {
  channel: Channel | null;
  close: () => void;
  save: (settings: ChannelSettings) => void;
}

function Form({ channel, close, save }: FormProps) {
  const before = channel?.settings ?? BLANK;
  const [rules, setRules] = useState<readonly Rule[]>(before.rules);
  const [kinds, setKinds] = useState<readonly AlertKind[]>([]);
  useEffect(() => void alertKinds().then(setKinds, (error: Error) => say(error.message, true)), []);
  const change = (at: number, changes: Partial<Rule>): void => setRules(rules.map((rule, number) => (number === at ? { ...rule, ...changes } : rule)));
  const submit = (form: FormData): void =>
    save({
      name: String(form.get("name")).trim(),
      enabled: form.has("enabled"),
      weekly_report: form.has("report"),
      ...webhookOf(form),
      rules: [...rules],
    });
  return (
    <Dialog title={channel ? "Change the channel" : "Add a channel"} close={close} wide>
      <form onSubmit={submitting(submit)}>
        <label class="field">
          Name <input name="name" required maxLength={100} defaultValue={before.name} />
        </label>
        <Address url={before.webhook_url ?? null} help="https://… ; empty: e-mail" />
        <Readers format={before.webhook_format} />
        <label class="setting">
          <input type="checkbox" name="enabled" defaultChecked={before.enabled} /> Send alerts there
        </label>
        <label class="setting">
          <input type="checkbox" name="report" defaultChecked={before.weekly_report} /> And once a week what changed, the worst first
        </label>
        {rules.map((rule, at) => (
          <fieldset key={at}>
            <legend>Rule {at + 1}: all of it must hold</legend>
            <Choice of="Levels" among={LEVELS} chosen={rule.levels} choose={(levels) => change(at, { levels })} />
            <Choice of="Kinds" among={kinds.map(({ name }) => name as Rule["kinds"][number])} chosen={rule.kinds} choose={(chosen) => change(at, { kinds: chosen })} />
            <Choice of="Verdicts" among={VERDICTS} chosen={rule.verdicts} choose={(verdicts) => change(at, { verdicts })} />
            <label class="field">
              Labels
              <input
                placeholder="with spaces between; empty: any"
                defaultValue={rule.labels.join(" ")}
                onChange={(event) => change(at, { labels: labelsIn(event.currentTarget.value) })}
              />
            </label>
            <button type="button" onClick={() => setRules(rules.filter((_, number) => number !== at))}>
              Remove rule {count(at + 1)}
            </button>
          </fieldset>
        ))}
        <p class="muted">{rules.length ? "An alert is told that one of the rules takes." : "Without rules every alert is told."}</p>
        <div class="actions">
          <button type="button" onClick={() => setRules([...rules, { levels: [], kinds: [], labels: [], verdicts: [] }])}>
            Add a rule
          </button>
          <button type="submit" class="primary">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface ChoiceProps<Value extends string> {
  of: string;
  among: readonly Value[];
  chosen: readonly Value[];
  choose: (chosen: Value[]) => void;
}

/** Some of several values; none stands for any. */
function Choice<Value extends string>({ of, among, chosen, choose }: ChoiceProps<Value>) {
  return (
    <details class="choice">
      <summary>
        {of}: {chosen.map(words).join(", ") || "any"}
      </summary>
      {among.map((value) => (
        <label key={value} class="setting">
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={(event) => choose(event.currentTarget.checked ? [...chosen, value] : chosen.filter((each) => each !== value))}
          />{" "}
          {words(value)}
        </label>
      ))}
    </details>
  );
}
