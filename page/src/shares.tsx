/** Addresses that show something to whoever knows them: feeds of a user's alerts and badges of repositories. */
import { useEffect, useState } from "preact/hooks";

import { attempt, copy } from "./announce.ts";
import type { Share, Shares as Answer } from "./api/answers.ts";
import { call, path } from "./api/client.ts";
import { user } from "./session.ts";
import { Failed, Foreign, Loading } from "./ui.tsx";
import { rows } from "./watchlist/store.ts";

/** All of the user's, with a button for a feed; or, of one repository, its badges with a button for one. */
export function Shares({ of }: { of: string | null }) {
  const [shares, setShares] = useState<readonly Share[] | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const load = (): void => {
    setFailure(null);
    call<Answer>("GET", "/activity/shares", { query: { user: user.value } }).then(({ items }) => setShares(items), setFailure);
  };
  useEffect(load, [of]);
  const make = () =>
    void attempt(() => {
      const body = of ? { kind: "badge", watchlist_id: of } : { kind: "feed" };
      return call("POST", "/activity/shares", { query: { user: user.value }, body });
    }).then(load);
  const revoke = ({ token }: Share) =>
    void attempt(() => call("DELETE", path("/activity/shares/{token}", { token }), { query: { user: user.value } }), "Nobody sees anything there any more.").then(load);
  if (failure) return <Failed error={failure} retry={load} />;
  if (shares === null) return <Loading what="what is shared" rows={1} />;
  return (
    <>
      <ul class="shares">
        {shares
          .filter(({ watchlist_id: id }) => of === null || id === of)
          .map((share) => {
            const [shown] = share.paths;
            const address = `${location.origin}${shown}`;
            const what = share.watchlist_id === null ? "Feed of your alerts" : `Badge of ${nameOf(share.watchlist_id)}`;
            return (
              <li key={share.token}>
                <span>
                  <Foreign>{what}</Foreign>
                  <code class="sub">{address}</code>
                </span>
                <span class="alert-actions">
                  <button type="button" onClick={() => void copy(address)}>
                    Copy<span class="unseen"> the address: {what}</span>
                  </button>
                  <button type="button" class="quiet" onClick={() => revoke(share)}>
                    Revoke<span class="unseen">: {what}</span>
                  </button>
                </span>
              </li>
            );
          })}
      </ul>
      <button type="button" onClick={make}>
        {of ? "Share a badge" : "Share a feed of your alerts"}
      </button>
    </>
  );
}

function nameOf(id: string): string {
  return rows.value?.find((row) => row.id === id)?.name ?? id;
}
