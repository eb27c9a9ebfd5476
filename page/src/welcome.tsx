/** What stands before the page where it is not known who looks. */
import { signal } from "@preact/signals";

import { access, call as callMe, settings, signIn } from "./session.ts";
import { say } from "./announce.ts";
import { Heading, submitting } from "./ui.tsx";

export const refusal = signal<string | null>(null);

export function Welcome() {
  return (
    <div class="welcome">
      {access.value === "unnamed" && <Name />}
      {access.value === "signed-out" && (
        <>
          <Heading>Sign in</Heading>
          {refusal.value && (
            <p class="notice notice-bad" role="alert">
              {refusal.value}
            </p>
          )}
          <p>
            Your watchlist is yours alone: <bdi>{settings.issuer}</bdi> tells this service who you are.
          </p>
          <button type="button" class="primary" onClick={() => void signIn().catch((error: Error) => say(error.message, true))}>
            Sign in
          </button>
        </>
      )}
      {access.value === "unregistered" && (
        <>
          <Heading>Signing in is not set up</Heading>
          <p>
            <bdi>{settings.issuer}</bdi> knows no client for this page. Whoever deploys it registers one (public, authorisation code with
            PKCE, redirected to <code>{location.origin}/</code>) and sets <code>PAGE_CLIENT_ID</code>.
          </p>
        </>
      )}
      {access.value === "signature" && (
        <>
          <Heading>This service wants signed requests</Heading>
          <p>
            AWS IAM wants signatures, which a browser does not make. Whoever deploys it can name an issuer of tokens (
            <code>jwt</code>, with <code>page_client_id</code>).
          </p>
        </>
      )}
    </div>
  );
}

function Name() {
  return (
    <>
      <Heading>Who are you?</Heading>
      <p>Nobody checks: this service runs for you alone. This browser remembers the name.</p>
      <form
        class="tools"
        onSubmit={submitting((form) => {
          const name = String(form.get("name")).trim();
          if (name) callMe(name);
        })}
      >
        <label class="field">
          <span>Name or e-mail</span>
          <input name="name" required maxLength={200} autocomplete="username" placeholder="you@example.org" />
        </label>
        <button type="submit" class="primary">
          Show my watchlist
        </button>
      </form>
    </>
  );
}
