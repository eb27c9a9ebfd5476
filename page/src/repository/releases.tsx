/** Releases: how old the latest one is, how often there is one, what waits for the next, and the list. */
import { useEffect, useState } from "preact/hooks";

import type { ListedRelease, Release, ReleasePage, Status } from "../api/answers.ts";
import { call, path } from "../api/client.ts";
import { count, counted, pageLink, span } from "../format.ts";
import { Age, Elsewhere, Failed, Foreign, Loading } from "../ui.tsx";

const DAY_S = 86_400;
/** A year of most repositories: their marks need no second request. */
const PAGE = 100;
const AT_FIRST = 8;

/** Part of the list, newest first. */
export interface Listed {
  items: readonly ListedRelease[] | null;
  failure: Error | null;
  /** Gets the next part; null where there is none. */
  more: (() => void) | null;
}

/** `version` changes when there can be others. */
export function useReleases(id: string, version: string): Listed {
  const [items, setItems] = useState<readonly ListedRelease[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const load = async (from: string | null, signal?: AbortSignal): Promise<void> => {
    try {
      const query = { limit: PAGE, cursor: from };
      const page = await call<ReleasePage>("GET", path("/activity/watchlist/{id}/releases", { id }), { query, ...(signal ? { signal } : {}) });
      setItems((before) => (from ? [...(before ?? []), ...page.items] : page.items));
      setCursor(page.next_cursor ?? null);
      setFailure(null);
    } catch (error) {
      if (!signal?.aborted) setFailure(error as Error);
    }
  };
  useEffect(() => {
    const ending = new AbortController();
    void load(null, ending.signal);
    return () => ending.abort();
  }, [id, version]);
  return { items, failure, more: cursor === null && !failure ? null : () => void load(items ? cursor : null) };
}

/** Returns what is usual, and what waits. */
export function rhythm({ usual_days: usual, commits_since: since, commits_since_is_least: atLeast }: Release): string {
  const parts = [
    since != null && `${atLeast ? "at least " : ""}${counted(since, "commit")} since`,
    usual != null && `usually every ${span(usual * DAY_S)}`,
  ];
  return parts.filter(Boolean).join("; ");
}

function summary({ releases, tags }: Release): string {
  if (!tags) return "It has no tags";
  if (!releases) return `None of ${counted(tags, "tag")} is a version`;
  return releases === tags ? counted(releases, "release") : `${counted(releases, "release")} among ${counted(tags, "tag")}`;
}

export function Releases({ status, listed }: { status: Status; listed: Listed }) {
  const [all, setAll] = useState(false);
  const { release, package: described, tag_page: page } = status;
  const { items, failure, more } = listed;
  if (!release) return <p class="muted">Its tags were not looked at yet.</p>;
  const shown = (items ?? []).slice(0, all ? undefined : AT_FIRST);
  return (
    <>
      <p class="muted">
        {summary(release)}
        {release.note && (
          <>
            ; <Foreign>{release.note}</Foreign>
          </>
        )}
      </p>
      {failure && <Failed error={failure} {...(more ? { retry: more } : {})} />}
      {items === null && !failure && <Loading what="releases" rows={3} />}
      <ol class="releases">
        {shown.map((each) => (
          <li key={each.tag}>
            <span>
              <Elsewhere href={pageLink(page, each.tag, described.url)}>
                <Foreign>{each.tag}</Foreign>
              </Elsewhere>
              {each.prerelease && <span class="tag">pre-release</span>}
            </span>
            <Age at={each.made_at} none="date unknown" />
          </li>
        ))}
      </ol>
      {items && items.length > shown.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show {count(items.length - shown.length)} more
        </button>
      )}
      {items && items.length === shown.length && more && !failure && (
        <button type="button" onClick={more}>
          Show more
        </button>
      )}
    </>
  );
}
