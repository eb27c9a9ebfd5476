/** How the verdicts of the domain look; what they mean and when they hold is the domain's to say. */

import type { VerdictState } from "./verdicts.ts";

const ICONS: Record<VerdictState, string> = {
  gone: "M3 3l6 6M9 3l-6 6",
  failing: "M6 1.5L11 10.5H1ZM6 5v2.6M6 9v.1",
  moved: "M1.5 6h8M7 3l3 3-3 3",
  archived: "M1.5 2.5h9v2h-9ZM2.5 4.5v5h7v-5M5 6.5h2",
  dormant: "M9.8 7.5A4.3 4.3 0 1 1 4.5 2.2 3.4 3.4 0 0 0 9.8 7.5Z",
  quiet: "M2 6h8",
  unknown: "M4.3 4.4a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1.1M6 9v.1",
  slowing: "M2 3.5l3 3 1.8-1.6L10 8.5M10 5.6v2.9H7.2",
  active: "M2 6.4l2.6 2.6L10 3.4",
};

/** Shape, word and colour: each says the verdict alone. */
export function VerdictMark({ state, big = false }: { state: VerdictState; big?: boolean }) {
  return (
    <span class={`verdict v-${state}${big ? " verdict-big" : ""}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={ICONS[state]} />
      </svg>
      {state}
    </span>
  );
}
