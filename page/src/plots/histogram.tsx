/** How long things took, on a scale that doubles. */
import { counted, quantile, span } from "../format.ts";
import { binned } from "./bins.ts";
import { Plot } from "./plot.tsx";

const WIDTH = 624;
const HEIGHT = 110;
const FOOT = 18;

export function Histogram({ title, seconds }: { title: string; seconds: readonly number[] }) {
  const bins = binned(seconds);
  if (!bins.length) return <p class="muted">{title}: no jobs yet.</p>;
  const most = Math.max(...bins.map((bin) => bin.count));
  const step = WIDTH / Math.max(8, bins.length);
  const typical = `median ${span(quantile(seconds, 0.5)!)}, 95 % within ${span(quantile(seconds, 0.95)!)}`;
  return (
    <Plot
      title={`${title}: ${typical}`}
      summary={`${counted(seconds.length, "job")}; ${typical}.`}
      columns={["From", "To", "Jobs"]}
      rows={() => bins.map((bin) => [span(bin.from), span(bin.to), bin.count])}
    >
      <svg class="histogram" viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`}>
        <line class="axis" x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        {bins.map((bin, at) => {
          const tall = (bin.count / most) * (HEIGHT - 12);
          return (
            <g key={bin.to}>
              <title>{`${span(bin.from)} to ${span(bin.to)}: ${counted(bin.count, "job")}`}</title>
              <rect class="bar" x={at * step + 2} y={HEIGHT - tall} width={step - 4} height={tall} />
              {bin.count > 0 && (
                <text class="label middle" x={at * step + step / 2} y={HEIGHT - tall - 3}>
                  {bin.count}
                </text>
              )}
              <text class="label middle" x={at * step + step / 2} y={HEIGHT + 14}>
                {span(bin.to)}
              </text>
            </g>
          );
        })}
      </svg>
    </Plot>
  );
}
