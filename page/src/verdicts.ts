/** The verdicts by name, the most worrying first: the order of the domain, which a test holds this list to. */
import type { Verdict } from "./api/answers.ts";

export type VerdictState = Verdict["state"];

export const VERDICTS: readonly VerdictState[] = ["gone", "failing", "moved", "archived", "dormant", "quiet", "unknown", "slowing", "active"];
