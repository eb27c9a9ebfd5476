/** Calls the API at the page's own address. */
import type { Problem } from "./answers.ts";

/** The API refused, or could not be reached; the message is for the person who looks at the page. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | null;
  /** Seconds after which asking again can help, where the API says so. */
  readonly retryAfter: number | null;

  constructor(status: number, message: string, problem: Problem | null = null, retryAfter: number | null = null) {
    super(message);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** Whether the browser did not reach the API at all. */
  get isOffline(): boolean {
    return this.status === 0;
  }
}

type Query = Record<string, string | number | null | undefined>;

interface Options {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}

const PATIENCE_MS = 35_000;

/** Returns the headers that show who asks; sign-in replaces it. */
let authorization: () => Promise<Record<string, string>> = async () => ({});

/** Called when the API wants a (new) token; returns whether there is one now. */
let renew: () => Promise<boolean> = async () => false;

export function authorizeWith(headers: typeof authorization, again: typeof renew): void {
  authorization = headers;
  renew = again;
}

/** Fills the variable parts of a route's path. */
export function path(route: string, parts: Record<string, string> = {}): string {
  return route.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
}

/** Calls one route and returns its answer; throws `ApiError`. */
export async function call<Answer>(method: string, address: string, options: Options = {}): Promise<Answer> {
  const response = await send(method, address, options);
  if (response.status === 401 && (await renew())) return read<Answer>(await send(method, address, options));
  return read<Answer>(response);
}

async function send(method: string, address: string, { query = {}, body, signal }: Options): Promise<Response> {
  const url = new URL(address, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  const headers: Record<string, string> = { Accept: "application/json", ...(await authorization()) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(url, {
      method,
      headers,
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
      credentials: "same-origin", // the password that the service on one machine may want
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The service cannot be reached.");
  }
}

async function read<Answer>(response: Response): Promise<Answer> {
  if (response.status === 204) return undefined as Answer;
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer as Answer;
  const problem = isProblem(answer) ? answer : null;
  throw new ApiError(response.status, said(response.status, problem), problem, seconds(response.headers.get("Retry-After")));
}

function isProblem(answer: unknown): answer is Problem {
  return typeof answer === "object" && answer !== null && "code" in answer && "title" in answer;
}

function said(status: number, problem: Problem | null): string {
  if (problem === null) return status === 401 ? "Sign in to see this." : `The service answered ${status}.`;
  const faults = (problem.errors ?? []).map(({ field, message }) => `${field}: ${message}`).join("; ");
  return `${problem.title}${faults || problem.detail ? `: ${faults || problem.detail}` : "."}`;
}

function seconds(value: string | null): number | null {
  const number = Number(value);
  return value !== null && Number.isFinite(number) ? number : null;
}

interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
  shifted?: boolean;
}

/** Returns the items of all pages, which are asked for anew, a few times, if items moved meanwhile; stops after `most`. */
export async function everything<Item>(
  page: (cursor: string | null) => Promise<Page<Item>>,
  most = 5000,
): Promise<Item[]> {
  let items: Item[] = [];
  let cursor: string | null = null;
  let anew = 3;
  for (;;) {
    const answer: Page<Item> = await page(cursor);
    if (answer.shifted && anew > 0) {
      items = [];
      cursor = null;
      anew -= 1;
      continue;
    }
    items.push(...answer.items);
    cursor = answer.next_cursor ?? null;
    if (cursor === null || items.length >= most) return items;
  }
}
