/** When people commit: weekday by hour, UTC. */
import { counted } from "../format.ts";
import { Plot } from "./plot.tsx";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const CELL = 24;
const LEFT = 48;
const FOOT = 18;

export function Hours({ table }: { table: readonly (readonly number[])[] }) {
  const most = Math.max(1, ...table.flat());
  const [busiest] = table
    .flatMap((hours, weekday) => hours.map((value, hour) => ({ value, weekday, hour })))
    .sort((one, other) => other.value - one.value);
  const total = table.flat().reduce((sum, value) => sum + value, 0);
  const where = busiest && total > 0 ? `; most on ${DAYS[busiest.weekday]} at ${busiest.hour}:00 UTC` : "";
  return (
    <Plot
      title="Weekday and hour (UTC)"
      summary={`${counted(total, "commit")} by weekday and hour${where}.`}
      columns={["Hour", ...DAYS]}
      rows={() => Array.from({ length: 24 }, (_, hour) => [`${hour}:00`, ...table.map((hours) => hours[hour] ?? 0)])}
    >
      <svg class="hours" viewBox={`0 0 ${LEFT + 24 * CELL} ${7 * CELL + FOOT}`}>
        {table.map((hours, weekday) => (
          <g key={weekday}>
            <text class="label" x={0} y={weekday * CELL + 16}>
              {DAYS[weekday]}
            </text>
            {hours.map((value, hour) => {
              const radius = value === 0 ? 1 : 2.5 + Math.sqrt(value / most) * 8;
              return (
                <circle key={hour} class={value ? "dot" : "dot-none"} cx={LEFT + hour * CELL + CELL / 2} cy={weekday * CELL + CELL / 2} r={radius}>
                  <title>{`${DAYS[weekday]} ${hour}:00: ${value}`}</title>
                </circle>
              );
            })}
          </g>
        ))}
        {[0, 6, 12, 18, 23].map((hour) => (
          <text key={hour} class="label middle" x={LEFT + hour * CELL + CELL / 2} y={7 * CELL + 14}>
            {hour}
          </text>
        ))}
      </svg>
    </Plot>
  );
}
