/** The forms of what a user chooses for repositories: one script. */
export { AlertForm, Settings } from "../repository/settings.tsx";
