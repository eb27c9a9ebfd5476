/** Score and activity over time, with what was alerted. */
import { counted, day, moment } from "../format.ts";
import { Plot } from "./plot.tsx";

const WIDTH = 624;
const HEIGHT = 120;
const LEFT = 26;
const FOOT = 18;

export interface Point {
  at: string;
  score: number | null;
  activity: number | null;
}

export interface Mark {
  at: string;
  text: string;
}

/** `points` are oldest first. */
export function Scores({ points, marks }: { points: readonly Point[]; marks: readonly Mark[] }) {
  const times = points.map(({ at }) => Date.parse(at));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = (at: string) => LEFT + (last === first ? 0.5 : (Date.parse(at) - first) / (last - first)) * (WIDTH - LEFT - 8);
  const y = (share: number) => 6 + (1 - share) * (HEIGHT - 12);
  const line = (value: (point: Point) => number | null) => {
    let path = "";
    let drawing = false;
    for (const point of points) {
      const share = value(point);
      if (share === null) drawing = false;
      else {
        path += `${drawing ? "L" : "M"}${x(point.at).toFixed(1)} ${y(share).toFixed(1)}`;
        drawing = true;
      }
    }
    return path;
  };
  const score = (point: Point) => (point.score === null ? null : point.score / 10);
  const activity = (point: Point) => (point.activity === null ? null : point.activity / 100);
  const shown = marks.filter(({ at }) => Date.parse(at) >= first && Date.parse(at) <= last + 86_400_000);
  return (
    <Plot
      title="Score and activity over time"
      summary={`${counted(points.length, "analysis", "analyses")} from ${day(first)} to ${day(last)}, ${counted(shown.length, "alert")}.`}
      columns={["Analysed", "Score (of 10)", "Activity (of 100)"]}
      rows={() => points.map(({ at, score: value, activity: much }) => [moment(at), value ?? "none", much ?? "unknown"]).reverse()}
    >
      <svg class="scores" viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={LEFT} x2={WIDTH} y1={y(share)} y2={y(share)} />
            <text class="label" x={0} y={y(share) + 4}>
              {share * 10}
            </text>
          </g>
        ))}
        {shown.map(({ at, text }, number) => (
          <path key={number} class="mark" d={`M${Math.min(WIDTH - 5, x(at))} ${HEIGHT - 10}l5 9h-10z`}>
            <title>{`${day(at)}: ${text}`}</title>
          </path>
        ))}
        <path class="line-activity" d={line(activity)} />
        <path class="line-score" d={line(score)} />
        {points.map((point) => (
          <g key={point.at}>
            {score(point) !== null && (
              <circle class="point" cx={x(point.at)} cy={y(score(point)!)} r={3}>
                <title>{`${moment(point.at)}: score ${point.score}`}</title>
              </circle>
            )}
            {activity(point) !== null && (
              <rect class="point-activity" x={x(point.at) - 2.5} y={y(activity(point)!) - 2.5} width={5} height={5}>
                <title>{`${moment(point.at)}: activity ${point.activity}`}</title>
              </rect>
            )}
          </g>
        ))}
        <text class="label" x={LEFT} y={HEIGHT + 14}>
          {day(first)}
        </text>
        {last > first && (
          <text class="label end" x={WIDTH} y={HEIGHT + 14}>
            {day(last)}
          </text>
        )}
      </svg>
      <p class="legend">
        <span class="key key-people" /> score, 0 to 10 <span class="key key-bots" /> activity, 0 to 100 (scaled)
        {shown.length > 0 && (
          <>
            <span class="key-mark" aria-hidden="true">▲</span> alert
          </>
        )}
      </p>
    </Plot>
  );
}
