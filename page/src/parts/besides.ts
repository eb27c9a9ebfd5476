/** What few look at: one script. */
export { ComparePage } from "../compare-page.tsx";
export { OpsPage } from "../ops-page.tsx";
