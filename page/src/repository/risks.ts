/** What each check weighs (Scorecard 5.5.0, docs/checks.md). A test holds it to the domain's table. */
import type { Check } from "../api/answers.ts";

export const WEIGHTS = { critical: 10, high: 7.5, medium: 5, low: 2.5 } as const;

export type Risk = keyof typeof WEIGHTS;

export const RISKS: Record<string, Risk> = {
  "Binary-Artifacts": "high",
  "Branch-Protection": "high",
  "CI-Tests": "low",
  "CII-Best-Practices": "low",
  "Code-Review": "high",
  Contributors: "low",
  "Dangerous-Workflow": "critical",
  "Dependency-Update-Tool": "high",
  Fuzzing: "medium",
  License: "low",
  Maintained: "high",
  Packaging: "medium",
  "Pinned-Dependencies": "medium",
  SAST: "medium",
  SBOM: "medium",
  "Security-Policy": "medium",
  "Signed-Releases": "high",
  "Token-Permissions": "high",
  Vulnerabilities: "high",
  Webhooks: "critical",
};

/** Returns how much of the whole score a check costs: what is missing times its weight; less than nothing if inconclusive. */
export function missing({ name, score }: Pick<Check, "name" | "score">): number {
  const risk = RISKS[name];
  return score === null ? -1 : (10 - score) * (risk ? WEIGHTS[risk] : 0);
}
