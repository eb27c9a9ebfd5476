/** The shapes of the API's answers, by the names that its description gives them (`make page-check` writes `schema.d.ts`). */
import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];

export type Status = Schemas["StatusAnswer"];
export type Health = Schemas["HealthAnswer"];
export type Metrics = Schemas["HistoryMetrics"];
export type HealthChanges = Schemas["HealthChangesAnswer"];
export type CheckChange = Schemas["CheckChangeAnswer"];
export type Scorecard = Schemas["ScorecardResult"];
export type Check = Schemas["CheckResult"];
export type Comparison = Schemas["CompareAnswer"];
export type Compared = Schemas["ComparedAnswer"];
export type Commit = Schemas["CommitAnswer"];
export type CommitPage = Schemas["CommitPage"];
export type Verdict = Schemas["VerdictAnswer"];
export type Watched = Schemas["WatchedAnswer"];
export type WatchlistPage = Schemas["WatchlistPage"];
export type Alert = Schemas["AlertAnswer"];
export type AlertPage = Schemas["AlertPage"];
export type UserAlert = Schemas["UserAlertAnswer"];
export type UserAlertPage = Schemas["UserAlertPage"];
export type AlertsChanged = Schemas["AlertsAnswer"];
export type Batch = Schemas["BatchAnswer"];
export type BatchItem = Schemas["BatchItemAnswer"];
export type Jobs = Schemas["JobsAnswer"];
export type Job = Schemas["JobAnswer"];
export type OpenJob = Schemas["OpenJobAnswer"];
export type OpenJobs = Schemas["OpenJobsAnswer"];
export type Queues = Schemas["QueuesAnswer"];
export type Queue = Schemas["QueueAnswer"];
export type UserEntry = Schemas["UserEntryAnswer"];
export type Problem = Schemas["Problem"];
export type ErrorOfJob = Schemas["ErrorAnswer"];
export type Progress = Schemas["ProgressAnswer"];
