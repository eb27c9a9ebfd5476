/** What a value looks like that is not known, or has changed. */

/** Unknown is its own state: it looks like nothing else, and says what is not known. */
export function Unknown({ what }: { what: string }) {
  return (
    <span class="unknown" title={what}>
      <span aria-hidden="true">–</span>
      <span class="unseen">{what}</span>
    </span>
  );
}

export function Change({ by }: { by: number | null }) {
  if (by === null || by === 0) return null;
  const text = `${by > 0 ? "▲" : "▼"}${Math.abs(by).toFixed(1)}`;
  return (
    <span class={`change ${by > 0 ? "better" : "worse"}`} title={`${by > 0 ? "up" : "down"} by ${Math.abs(by).toFixed(1)} since the analysis before`}>
      {text}
    </span>
  );
}
