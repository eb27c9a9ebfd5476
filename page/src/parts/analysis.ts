/** What shows single repositories and their alerts: one script. */
export { AlertsPage } from "../alerts-page.tsx";
export { RepositoryPage } from "../repository/page.tsx";
