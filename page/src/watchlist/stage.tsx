/** How far the processing of a repository is. */
import { count, words } from "../format.ts";

interface Progress {
  stage: string;
  done: number;
  total: number | null;
}

export function Stage({ progress }: { progress: Progress | null }) {
  const { stage, done, total } = progress ?? { stage: "queued", done: 0, total: null };
  const known = total !== null && total > 0;
  return (
    <span class="stage">
      <span class="stage-name">
        {words(stage)}
        {known && <span class="muted"> {count(done)} of {count(total)}</span>}
        {!known && done > 0 && <span class="muted"> {count(done)}</span>}
      </span>
      {stage !== "queued" && <progress aria-label={words(stage)} {...(known ? { value: done, max: total } : {})} />}
    </span>
  );
}
