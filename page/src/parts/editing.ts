/** What changes which repositories are watched, and how: one script. */
export { Add } from "../watchlist/add.tsx";
export { Chosen } from "../watchlist/chosen.tsx";
