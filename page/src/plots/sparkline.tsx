/** A year in the width of a word. */
import { counted } from "../format.ts";

const STEP = 2;
const HEIGHT = 22;

/** Returns the outline of one bar a week; a week without commits keeps a hair line, so that silence has a shape. */
export function bars(weeks: readonly number[], step = STEP, height = HEIGHT, gap = 0.5): string {
  const most = Math.max(1, ...weeks);
  let path = "";
  weeks.forEach((value, week) => {
    const tall = value === 0 ? 0.6 : Math.max(1.6, Math.sqrt(value / most) * height);
    path += `M${week * step} ${height}v-${round(tall)}h${step - gap}V${height}z`;
  });
  return path;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
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
