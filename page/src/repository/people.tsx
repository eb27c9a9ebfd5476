/** Who commits, and what is changed most. */
import type { Metrics } from "../api/answers.ts";
import { count, counted } from "../format.ts";
import { Age, Foreign } from "../ui.tsx";

const QUARTER_MS = 13 * 7 * 86_400_000;

export function People({ metrics }: { metrics: Metrics }) {
  const end = Date.parse(metrics.computed_at);
  const most = metrics.top_contributors[0]?.commits ?? 1;
  const isIn = (first: string) => metrics.contributors_new !== null && end - Date.parse(first) < QUARTER_MS;
  const isOut = (last: string) => end - Date.parse(last) >= QUARTER_MS;
  if (!metrics.top_contributors.length) return <p class="muted">Nobody committed in the last 52 weeks.</p>;
  return (
    <table class="plain bars">
      <caption>People, by commits</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" class="number">
            Commits
          </th>
          <th scope="col" class="number">
            Last
          </th>
        </tr>
      </thead>
      <tbody>
        {metrics.top_contributors.map((person, at) => (
          <tr key={at}>
            <th scope="row">
              <Foreign>{person.name}</Foreign>
              {isIn(person.first_commit_at) && <span class="tag tag-in">new</span>}
              {isOut(person.last_commit_at) && <span class="tag tag-out">quiet for 13 weeks</span>}
              <span class="share" style={{ width: `${(person.commits / most) * 100}%` }} />
            </th>
            <td class="number">{count(person.commits)}</td>
            <td class="number">
              <Age at={person.last_commit_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Files({ metrics }: { metrics: Metrics }) {
  if (!metrics.top_files?.length) return <p class="muted">Which files changed is not known.</p>;
  const most = Math.max(1, ...metrics.top_files.map((file) => file.lines_added + file.lines_deleted));
  return (
    <table class="plain bars">
      <caption>Files, by lines changed</caption>
      <thead>
        <tr>
          <th scope="col">Path</th>
          <th scope="col" class="number">
            Lines
          </th>
          <th scope="col" class="number">
            Commits
          </th>
        </tr>
      </thead>
      <tbody>
        {metrics.top_files.map((file) => (
          <tr key={file.path}>
            <th scope="row" class="path">
              <Foreign>{file.path}</Foreign>
              <span class="share" style={{ width: `${((file.lines_added + file.lines_deleted) / most) * 100}%` }} />
            </th>
            <td class="number" title={`${count(file.lines_added)} added, ${count(file.lines_deleted)} deleted`}>
              {count(file.lines_added + file.lines_deleted)}
            </td>
            <td class="number">{count(file.commits)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Bots({ metrics }: { metrics: Metrics }) {
  if (!metrics.bots.length) return null;
  return (
    <p class="muted bots">
      Programs:{" "}
      {metrics.bots.map((bot, at) => (
        <span key={bot.name}>
          {at > 0 && ", "}
          <Foreign>{bot.name}</Foreign> ({counted(bot.commits, "commit")})
        </span>
      ))}
    </p>
  );
}
