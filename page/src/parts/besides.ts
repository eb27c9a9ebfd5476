/** What is beside the watchlist and its repositories: one script. */
export { AlertsPage } from "../alerts-page.tsx";
export { ChannelsPage } from "../channels-page.tsx";
export { ComparePage } from "../compare-page.tsx";
export { OpsPage } from "../ops-page.tsx";
