/** The page: its frame, and which of its parts the address asks for. */
import { render } from "preact";
import { useEffect } from "preact/hooks";

import { said } from "./announce.ts";
import { count } from "./format.ts";
import { later } from "./later.tsx";
import { address } from "./router.ts";
import { access, arrive, leave, user, userName } from "./session.ts";
import { choose, show, theme } from "./theme.ts";
import { Heading } from "./ui.tsx";
import { WatchlistPage } from "./watchlist/page.tsx";
import { forget, openAlerts, watch } from "./watchlist/store.ts";
import { Welcome, refusal } from "./welcome.tsx";

const LINKS = [
  { href: "/", title: "Watchlist" },
  { href: "/alerts", title: "Alerts" },
  { href: "/channels", title: "Channels" },
  { href: "/ops", title: "Operations" },
];

const AlertsPage = later(() => import("./parts/besides.ts").then((part) => part.AlertsPage));
const RepositoryPage = later(() => import("./parts/analysis.ts").then((part) => part.RepositoryPage));
const ChannelsPage = later(() => import("./parts/besides.ts").then((part) => part.ChannelsPage));
const ComparePage = later(() => import("./parts/besides.ts").then((part) => part.ComparePage));
const OpsPage = later(() => import("./parts/besides.ts").then((part) => part.OpsPage));

function Page() {
  useEffect(watch, []); // the navigation says everywhere how many alerts are open
  const { pathname } = address.value;
  const [, id] = /^\/r\/([^/]+)\/?$/.exec(pathname) ?? [];
  if (id) return <RepositoryPage key={id} id={decodeURIComponent(id)} />;
  switch (pathname) {
    case "/":
      return <WatchlistPage />;
    case "/alerts":
      return <AlertsPage />;
    case "/channels":
      return <ChannelsPage />;
    case "/ops":
      return <OpsPage />;
    case "/compare":
      return <ComparePage />;
    default:
      return <Heading>There is no such page</Heading>;
  }
}

function Frame() {
  const known = access.value === "known";
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/" aria-label="Repository Watchlist">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M3 18h6l4-10 7 17 4-9h5" />
          </svg>
          <span>Repository Watchlist</span>
        </a>
        {known && (
          <nav aria-label="Pages">
            {LINKS.map(({ href, title }) => (
              <a key={href} href={href} aria-current={address.value.pathname === href ? "page" : undefined}>
                {title}
                {href === "/alerts" && openAlerts.value > 0 && (
                  <span class="badge">
                    {count(openAlerts.value)}
                    <span class="unseen"> open</span>
                  </span>
                )}
              </a>
            ))}
          </nav>
        )}
        <div class="top-end">
          <select aria-label="Colours" value={theme.value} onChange={(event) => choose(event.currentTarget.value as typeof theme.value)}>
            <option value="system">Auto</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
          {known && (
            <button type="button" class="quiet who" title="Show another watchlist" onClick={() => void leave().then(forget)}>
              <bdi>{userName.value}</bdi>
              <span class="unseen">: sign out</span>
            </button>
          )}
        </div>
      </header>
      <main id="main">{known ? <Page key={user.value} /> : <Welcome />}</main>
      <footer>
        <a href="/docs">The API</a> has all that is shown here.
      </footer>
      <div class={`toast ${said.value?.isError ? "toast-bad" : ""}`} role={said.value?.isError ? "alert" : "status"} hidden={!said.value}>
        {said.value?.text}
      </div>
    </>
  );
}

show();
arrive()
  .catch((error: Error) => {
    refusal.value = `The sign-in did not work: ${error.message}`;
  })
  .finally(() => {
    address.value = new URL(location.href); // a sign-in has led back to where it began
    const root = document.getElementById("page")!;
    root.replaceChildren();
    render(<Frame />, root);
  });
