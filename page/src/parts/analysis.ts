/** What shows single repositories: one script. */
export { RepositoryPage } from "../repository/page.tsx";
