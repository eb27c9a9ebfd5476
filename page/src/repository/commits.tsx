/** Commits, newest first, by author if wanted. */
import { useEffect, useState } from "preact/hooks";

import type { Commit, CommitPage, Status } from "../api/answers.ts";
import { call, path } from "../api/client.ts";
import { count, pageLink } from "../format.ts";
import { Age, Elsewhere, Failed, Foreign, Loading, submitting } from "../ui.tsx";

const AT_ONCE = 15;

interface Props {
  id: string;
  url: string;
  /** The address of a commit at its host, with `{sha}` in it. */
  page: Status["commit_page"];
  /** Changes when there are others. */
  version: string;
}

export function Commits({ id, url, page: shownAt, version }: Props) {
  const [author, setAuthor] = useState("");
  const [since, setSince] = useState("");
  const [commits, setCommits] = useState<readonly Commit[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);

  const load = async (from: string | null, signal?: AbortSignal): Promise<void> => {
    try {
      const query = { limit: AT_ONCE, cursor: from, author, since: since && `${since}T00:00:00Z` };
      const page = await call<CommitPage>("GET", path("/activity/watchlist/{id}/commits", { id }), { query, ...(signal ? { signal } : {}) });
      setCommits((before) => (from ? [...(before ?? []), ...page.items] : page.items));
      setCursor(page.next_cursor ?? null);
      setError(null);
    } catch (failure) {
      if (!signal?.aborted) setError(failure as Error);
    }
  };
  useEffect(() => {
    const ending = new AbortController();
    void load(null, ending.signal);
    return () => ending.abort();
  }, [id, version, author, since]);

  return (
    <>
      <form
        class="tools"
        onSubmit={submitting((form) => {
          setAuthor(String(form.get("author")).trim());
          setSince(String(form.get("since")));
        })}
      >
        <label>
          Author <input name="author" type="text" placeholder="exact name or e-mail" autocomplete="off" />
        </label>
        <label>
          Since <input name="since" type="date" />
        </label>
        <button type="submit">Filter</button>
      </form>
      {error && <Failed error={error} retry={() => void load(null)} />}
      {commits === null && !error && <Loading what="commits" rows={5} />}
      {commits?.length === 0 && <p class="muted">There are no such commits in the last year{cursor && ", as far as was looked"}.</p>}
      {commits && commits.length > 0 && (
        <ol class="commits">
          {commits.map((commit) => (
            <li key={commit.sha}>
              <code>
                <Elsewhere href={pageLink(shownAt, commit.sha, url)}>{commit.sha.slice(0, 10)}</Elsewhere>
              </code>
              <span class="commit-subject">
                <Foreign>{commit.subject || "(no message)"}</Foreign>
              </span>
              <span class="commit-who muted">
                <Foreign>{commit.author.name || "(no name)"}</Foreign> · <Age at={commit.committer.time} />
                {commit.parents.length > 1 && " · merge"}
                {commit.signed && " · signed"}
              </span>
              <span class="commit-lines number">
                {commit.lines_added == null ? (
                  <span class="muted" title="Line counts are not known">
                    lines unknown
                  </span>
                ) : (
                  <>
                    <span class="better">+{count(commit.lines_added)}</span> <span class="worse">−{count(commit.lines_deleted ?? 0)}</span>
                  </>
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
      {cursor && (
        <button type="button" onClick={() => void load(cursor)}>
          Show more
        </button>
      )}
    </>
  );
}
