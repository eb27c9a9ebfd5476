/** How alerts reach people elsewhere: who reads them there, how the last call went, and what calls are signed with. */
import { copy } from "./announce.ts";
import type { Channel, Notifications } from "./api/answers.ts";
import { words } from "./format.ts";
import { Age, Dialog, Foreign } from "./ui.tsx";

export type Format = NonNullable<Channel["format"]>;

const FORMATS: Record<Format, string> = {
  standard: "Standard Webhooks, signed",
  slack: "Slack",
  teams: "Microsoft Teams",
  discord: "Discord",
};

/** Where a webhook's address leads, and who reads what is sent there. */
export function Receiver({ url, format }: { url: string; format: Format | null | undefined }) {
  return (
    <>
      <Foreign>{URL.canParse(url) ? new URL(url).host : url}</Foreign>
      {format && ` (${FORMATS[format]})`}
    </>
  );
}

export function Address({ url, help }: { url: string | null; help: string }) {
  return (
    <label class="field">
      Address
      <input name="address" type="url" placeholder={help} defaultValue={url ?? ""} />
    </label>
  );
}

export function Readers({ format }: { format: Format | null | undefined }) {
  return (
    <label class="field">
      Who reads it
      <select name="format">
        <option value="">As the address tells</option>
        {Object.entries(FORMATS).map(([name, title]) => (
          <option key={name} value={name} selected={name === format}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Returns what `Address` and `Readers` were given. */
export function webhookOf(form: FormData): { webhook_url: string | null; webhook_format: Format | null } {
  return { webhook_url: String(form.get("address")).trim() || null, webhook_format: (form.get("format") || null) as Format | null };
}

export function Delivered({ last }: { last: Notifications["last_delivery"] }) {
  if (!last) return null;
  return (
    <>
      {words(last.outcome).toLowerCase()} <Age at={last.at} />
      {last.error && (
        <>
          : <Foreign>{last.error}</Foreign>
        </>
      )}
    </>
  );
}

export function Secret({ secret, close }: { secret: string; close: () => void }) {
  return (
    <Dialog title="The secret of this webhook" close={close}>
      <p>Calls are signed with it. It is shown now and never again.</p>
      <pre class="scroll" tabIndex={0}>
        {secret}
      </pre>
      <div class="actions">
        <button type="button" class="primary" onClick={() => void copy(secret)}>
          Copy
        </button>
      </div>
    </Dialog>
  );
}
