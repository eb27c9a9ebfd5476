/** Light or dark: as the system says, until the person chooses. */
import { signal } from "@preact/signals";

const KEY = "watchlist-theme";

type Theme = "system" | "light" | "dark";

export const theme = signal<Theme>(stored());

function stored(): Theme {
  const name = localStorage.getItem(KEY);
  return name === "light" || name === "dark" ? name : "system";
}

export function choose(next: Theme): void {
  theme.value = next;
  if (next === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
  show();
}

export function show(): void {
  if (theme.value === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
}
