/** A year in the width of a word. */
import { counted } from "../format.ts";

const STEP = 2;
const GAP = 0.5;
const HEIGHT = 22;

/** Returns the outline of one bar a week; a week without commits keeps a hair line, so that silence has a shape. */
function bars(weeks: readonly number[]): string {
  const most = Math.max(1, ...weeks);
  const bar = (value: number, week: number) => {
    const tall = Math.max(value ? 1.6 : 0.6, Math.sqrt(value / most) * HEIGHT);
    return `M${week * STEP} ${HEIGHT}v-${tall.toFixed(2)}h${STEP - GAP}V${HEIGHT}z`;
  };
  return weeks.map(bar).join("");
}

export function Sparkline({ weeks }: { weeks: readonly number[] }) {
  const total = weeks.reduce((sum, value) => sum + value, 0);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${weeks.length * STEP} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${counted(total, "commit")} in ${weeks.length} weeks`}
    >
      <path d={bars(weeks)} />
    </svg>
  );
}
