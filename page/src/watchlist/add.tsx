/** Add repositories: one address or a pasted list, with what each line becomes before anything is sent. */
import { useMemo, useState } from "preact/hooks";

import type { Batch } from "../api/answers.ts";
import { call } from "../api/client.ts";
import { say } from "../announce.ts";
import { counted } from "../format.ts";
import { user } from "../session.ts";
import { Dialog, submitting } from "../ui.tsx";
import { type Line, comparable, readList } from "./pasted.ts";
import { refreshNow, rows } from "./store.ts";

const BATCH = 100;
const SHOWN = 200;

interface Outcome {
  address: string;
  good: boolean;
  text: string;
}

const OUTCOMES: Record<string, string> = {
  accepted: "is being analysed",
  joined: "is on your list now; others watch it already",
  already_watching: "was on your list already",
};

export function Add({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const watched = useMemo(() => new Set((rows.value ?? []).map((row) => comparable(row.url))), [rows.value]);
  const lines = useMemo(() => readList(text, watched), [text, watched]);
  const addresses = lines.flatMap((line) => (line.kind === "address" ? [line.address] : []));

  const send = async (notes: string): Promise<void> => {
    if (busy || addresses.length === 0) return;
    setBusy(true);
    const told: Outcome[] = [];
    try {
      const waiting = [...addresses];
      while (waiting.length) {
        const part = waiting.splice(0, BATCH);
        const items = part.map((repo_url) => ({ repo_url, added_by: user.value, ...(notes ? { notes } : {}) }));
        const { results } = await call<Batch>("POST", "/activity/user-watchlist-added/batch", { body: { items } });
        const late = results.filter(({ outcome }) => outcome === "not_done").map(({ index }) => part[index]!);
        if (late.length < part.length) waiting.unshift(...late); // else nothing gets on: they are told as not added
        for (const { index, outcome, problem } of results) {
          if (outcome === "not_done" && late.length < part.length) continue;
          const good = outcome in OUTCOMES;
          const why = problem?.errors?.map(({ message }) => message).join("; ") || problem?.detail || problem?.title;
          told.push({ address: part[index] ?? "", good, text: OUTCOMES[outcome] ?? why ?? "was not added" });
        }
      }
    } catch (error) {
      say((error as Error).message, true);
    }
    setBusy(false);
    refreshNow();
    const bad = told.filter(({ good }) => !good);
    if (told.length === addresses.length && bad.length === 0) {
      say(`${counted(told.length, "repository", "repositories")} added.`);
      close();
      return;
    }
    setOutcomes(told);
    const done = new Set(told.filter(({ good }) => good).map(({ address }) => address));
    setText(addresses.filter((address) => !done.has(address)).join("\n"));
  };

  return (
    <Dialog title="Watch repositories" close={close} wide>
      <form onSubmit={submitting((form) => void send(String(form.get("notes") ?? "").trim()))}>
        <label class="field">
          <span>Addresses</span>
          <textarea
            name="addresses"
            rows={5}
            value={text}
            autofocus
            spellcheck={false}
            aria-describedby="add-help"
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form!.requestSubmit();
            }}
          />
        </label>
        <p id="add-help" class="muted">
          One, or a pasted list in any spelling: <code>https://github.com/pallets/flask</code>, <code>pallets/flask</code>,{" "}
          <code>git@gitlab.com:group/project.git</code>. <kbd>Ctrl</kbd> <kbd>Enter</kbd> watches them.
        </p>
        {outcomes.length > 0 && <Outcomes outcomes={outcomes} />}
        {lines.length > 0 && <Preview lines={lines} />}
        <label class="field">
          <span>Notes (optional)</span>
          <input name="notes" maxLength={1000} autocomplete="off" />
        </label>
        <div class="actions">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy || addresses.length === 0}>
            {busy ? "Adding …" : addresses.length === 0 ? "Watch" : `Watch ${counted(addresses.length, "repository", "repositories")}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** First what somebody should look at. */
const PLACES: Record<Line["kind"], number> = { unreadable: 0, duplicate: 1, watched: 2, address: 3 };

const BECOMES: Record<Line["kind"], { mark: string; text: string }> = {
  address: { mark: "+", text: "" },
  duplicate: { mark: "=", text: "is in the list already" },
  watched: { mark: "✓", text: "is on your watchlist" },
  unreadable: { mark: "✕", text: "" },
};

function Preview({ lines }: { lines: readonly Line[] }) {
  const number = (kind: Line["kind"]) => lines.filter((line) => line.kind === kind).length;
  const parts = [
    `${number("address")} to add`,
    number("watched") && `${number("watched")} watched already`,
    number("duplicate") && `${number("duplicate")} twice`,
    number("unreadable") && `${number("unreadable")} not understood`,
  ].filter(Boolean);
  return (
    <div class="preview">
      <p role="status">{parts.join(", ")}.</p>
      <ul class="scroll" tabIndex={0} aria-label="What each line becomes">
        {[...lines].sort((one, other) => PLACES[one.kind] - PLACES[other.kind]).slice(0, SHOWN).map((line, at) => (
          <li key={at} class={`line-${line.kind}`}>
            <span aria-hidden="true" class="line-mark">{BECOMES[line.kind].mark}</span>
            <bdi>{line.kind === "unreadable" ? line.text : line.address}</bdi>{" "}
            <span class="muted">{line.kind === "unreadable" ? line.reason : BECOMES[line.kind].text}</span>
          </li>
        ))}
        {lines.length > SHOWN && <li class="muted">and {lines.length - SHOWN} more</li>}
      </ul>
    </div>
  );
}

function Outcomes({ outcomes }: { outcomes: readonly Outcome[] }) {
  const good = outcomes.filter((outcome) => outcome.good).length;
  return (
    <div class="notice notice-bad" role="alert">
      <p class="notice-title">
        {good} added, {outcomes.length - good} refused
      </p>
      <ul>
        {outcomes
          .filter((outcome) => !outcome.good)
          .map((outcome) => (
            <li key={outcome.address}>
              <bdi>{outcome.address}</bdi>: {outcome.text}
            </li>
          ))}
      </ul>
    </div>
  );
}
