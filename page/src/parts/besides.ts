/** What few look at: one script. */
export { ChannelsPage } from "../channels-page.tsx";
export { ComparePage } from "../compare-page.tsx";
export { OpsPage } from "../ops-page.tsx";
