/** Authorisation code with PKCE at the issuer (RFC 6749, 7636, 9207; OpenID Connect Discovery). Tokens stay in memory. */
import * as oauth from "oauth4webapi";

export interface SignedIn {
  token: string;
  subject: string;
  name: string;
  /** When a new token should be had, in ms. */
  expiresAt: number;
  refreshToken: string | null;
}

/** What must outlive the way to the issuer and back; it is in the tab only, and of no use without the code. */
interface Begun {
  verifier: string;
  state: string;
  nonce: string;
  back: string;
}

const BEGUN = "watchlist-sign-in";
const EARLY_MS = 30_000;
const USUAL_LIFETIME_S = 300;
const REDIRECT = `${location.origin}/`;

export async function begin(issuer: string, clientId: string): Promise<void> {
  const server = await discover(issuer);
  const begun: Begun = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    back: location.pathname + location.search,
  };
  sessionStorage.setItem(BEGUN, JSON.stringify(begun));
  const address = new URL(server.authorization_endpoint!);
  const offline = server.scopes_supported?.includes("offline_access") ? " offline_access" : "";
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: REDIRECT,
    scope: `openid profile${offline}`,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  location.assign(address);
}

/** Throws when the issuer refused, or the answer is not to a question of ours. */
export async function finish(issuer: string, clientId: string): Promise<SignedIn | null> {
  const begun = JSON.parse(sessionStorage.getItem(BEGUN) ?? "null") as Begun | null;
  const answered = new URL(location.href);
  sessionStorage.removeItem(BEGUN);
  history.replaceState(null, "", begun?.back ?? "/");
  if (!begun) return null;
  const [server, client] = [await discover(issuer), { client_id: clientId }];
  const parameters = oauth.validateAuthResponse(server, client, answered, begun.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, oauth.None(), parameters, REDIRECT, begun.verifier, options(issuer),
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: begun.nonce });
  return signedIn(tokens, null);
}

export async function renew(issuer: string, clientId: string, before: SignedIn): Promise<SignedIn | null> {
  if (!before.refreshToken) return null;
  const [server, client] = [await discover(issuer), { client_id: clientId }];
  const response = await oauth.refreshTokenGrantRequest(
    server, client, oauth.None(), before.refreshToken, options(issuer),
  );
  return signedIn(await oauth.processRefreshTokenResponse(server, client, response), before);
}

const discovered = new Map<string, Promise<oauth.AuthorizationServer>>();

function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const found = discovered.get(issuer) ?? ask(issuer);
  discovered.set(issuer, found);
  found.catch(() => discovered.delete(issuer));
  return found;
}

async function ask(issuer: string): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options(issuer)));
}

/** An issuer on this machine may speak http, as the API's own setting allows. */
function options(issuer: string): { [oauth.allowInsecureRequests]: boolean } {
  return { [oauth.allowInsecureRequests]: issuer.startsWith("http://127.0.0.1:") };
}

function signedIn(tokens: oauth.TokenEndpointResponse, before: SignedIn | null): SignedIn {
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const subject = claims?.sub ?? before?.subject;
  if (!subject) throw new Error("The issuer named nobody.");
  return {
    token: tokens.access_token,
    subject,
    name: text(claims?.["name"]) ?? text(claims?.["email"]) ?? before?.name ?? subject,
    expiresAt: Date.now() + (tokens.expires_in ?? USUAL_LIFETIME_S) * 1000 - EARLY_MS,
    refreshToken: tokens.refresh_token ?? before?.refreshToken ?? null,
  };
}

function text(claim: unknown): string | null {
  return typeof claim === "string" && claim ? claim : null;
}
