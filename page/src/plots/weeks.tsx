/** Commits per week, by people and, above them, by programs. */
import { counted, day } from "../format.ts";
import { Plot } from "./plot.tsx";

const WEEK_MS = 7 * 86_400_000;
const WIDTH = 624;
const HEIGHT = 120;
const FOOT = 22;
const STEP = 12;

interface Props {
  people: readonly number[];
  /** Empty where they were not counted. */
  programs: readonly number[];
  /** The end of the last week. */
  until: string;
  /** Weeks, the latest ones, of which all commits are known. */
  covered: number;
  /** Pre-releases are not marked. */
  releases: readonly Released[];
}

export interface Released {
  tag: string;
  made_at: string | null;
  prerelease: boolean;
}

export function Weeks({ people, programs, until, covered, releases }: Props) {
  const end = Date.parse(until);
  const from = (week: number) => end - (people.length - week) * WEEK_MS;
  const most = Math.max(1, ...people.map((value, week) => value + (programs[week] ?? 0)));
  const tall = (value: number) => (value / most) * HEIGHT;
  const unknown = people.length - covered;
  const hasPrograms = programs.some(Boolean);
  const total = people.reduce((sum, value) => sum + value, 0);
  const months = people.map((_, week) => new Date(from(week)).getUTCMonth());
  const released = people.map((_, week) =>
    releases
      .filter(({ made_at: at, prerelease }) => !prerelease && at !== null && Date.parse(at) >= from(week) && Date.parse(at) < from(week + 1))
      .map(({ tag }) => tag)
      .join(", "),
  );
  const hasReleases = released.some(Boolean);
  const columns = ["Week from", "By people", ...(hasPrograms ? ["By programs"] : []), ...(hasReleases ? ["Released"] : [])];
  return (
    <Plot
      title="Commits per week"
      summary={`${counted(total, "commit")} by people in ${people.length} weeks, at most ${most} in one.`}
      columns={columns}
      rows={() =>
        people
          .map((value, week) => [
            day(from(week)),
            value,
            ...(hasPrograms ? [programs[week] ?? 0] : []),
            ...(hasReleases ? [released[week] ?? ""] : []),
          ])
          .reverse()
      }
    >
      <svg class="weeks" viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`}>
        {unknown > 0 && <rect class="unknown-span" x={0} y={0} width={unknown * STEP} height={HEIGHT} />}
        <line class="axis" x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        {people.map((value, week) => {
          const bots = programs[week] ?? 0;
          return (
            <g key={week}>
              <title>{`${day(from(week))}: ${value} by people${hasPrograms ? `, ${bots} by programs` : ""}`}</title>
              <rect class="hit" x={week * STEP} y={0} width={STEP} height={HEIGHT} />
              {value > 0 && <rect class="bar" x={week * STEP + 1} y={HEIGHT - tall(value)} width={STEP - 2} height={tall(value)} />}
              {bots > 0 && (
                <rect class="bar-bots" x={week * STEP + 1} y={HEIGHT - tall(value + bots)} width={STEP - 2} height={tall(bots)} />
              )}
            </g>
          );
        })}
        {released.map(
          (tags, week) =>
            tags && (
              <path key={week} class="mark-release" d={`M${(week + 0.5) * STEP} ${HEIGHT + 1}l5 7h-10z`}>
                <title>{`${day(from(week))}: released ${tags}`}</title>
              </path>
            ),
        )}
        <text class="label" x={0} y={10}>
          {most}
        </text>
        {months.map((month, week) =>
          week > 0 && month !== months[week - 1] && month % 2 === 0 ? (
            <text key={week} class="label" x={week * STEP} y={HEIGHT + 19}>
              {new Date(from(week)).toLocaleString("en-GB", { month: "short", timeZone: "UTC" })}
            </text>
          ) : null,
        )}
      </svg>
      <p class="legend">
        <span class="key key-people" /> people
        {hasPrograms && (
          <>
            <span class="key key-bots" /> programs
          </>
        )}
        {hasReleases && (
          <>
            <span class="key-release" aria-hidden="true">
              ▲
            </span>{" "}
            release
          </>
        )}
        {unknown > 0 && (
          <>
            <span class="key key-unknown" /> not known
          </>
        )}
      </p>
    </Plot>
  );
}
