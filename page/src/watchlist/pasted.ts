/** What a pasted list of repositories becomes, line by line, before anything is sent. Pure. */

export type Line =
  | { kind: "address"; text: string; address: string }
  | { kind: "duplicate"; text: string; address: string }
  | { kind: "watched"; text: string; address: string }
  | { kind: "unreadable"; text: string; reason: string };

const DEFAULT_HOST = "github.com";
const HOSTED = /^(?:[\w.-]+\.)+[a-z]{2,}(?::\d+)?\//i;
const SSH = /^(?:ssh:\/\/)?(?:git|\w+)@([\w.-]+)(?::\d+(?=\/))?(?::|\/)(?!\/)(.+)$/;
const OF_A_HOST = /^[a-z]+:[\w.-]+(?:\/[\w.-]+)+$/i;
const PACKAGE_PREFIX = /^(?:git\+|scm:git:)/;
const SHORT = /^[\w.-]+\/[\w.-]+$/;

/**
 * Reads a list in any usual spelling: addresses of pages in a repository, `git@host:owner/name.git`, `owner/name`,
 * one a line or separated by spaces and commas, with `#` comments, list marks and quotes.
 */
export function readList(text: string, watched: ReadonlySet<string>): Line[] {
  const seen = new Set<string>();
  return pieces(text).map((piece) => {
    const address = addressOf(piece);
    if (address === null) return { kind: "unreadable", text: piece, reason: "This is no address of a repository." };
    const key = comparable(address);
    if (seen.has(key)) return { kind: "duplicate", text: piece, address };
    seen.add(key);
    return { kind: watched.has(key) ? "watched" : "address", text: piece, address };
  });
}

/** Returns an address such that two spellings of one repository are equal. */
export function comparable(address: string): string {
  return address.toLowerCase().replace(/^https?:\/\//, "").replace(/\.git$/, "").replace(/\/+$/, "");
}

function pieces(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, "").replace(/^\s*(?:[-*•]|\d+[.)])\s+/, ""))
    .flatMap((line) => line.split(/[\s,;|]+/))
    .map((piece) => piece.replace(/^[<"'`([\u200b-\u200f\u202a-\u202e\u2060-\u206f]+|[>"'`)\]\u200b-\u200f\u202a-\u202e\u2060-\u206f]+$/g, ""))
    .filter(Boolean);
}

function addressOf(piece: string): string | null {
  const bare = piece.replace(PACKAGE_PREFIX, "");
  const ssh = SSH.exec(bare);
  if (ssh) return PUBLIC_HOSTS.has(ssh[1]!.toLowerCase()) ? repositoryAddress(`https://${ssh[1]}/${ssh[2]}`) : bare;
  if (/^git:\/\//.test(bare)) return repositoryAddress(bare.replace(/^git:/, "https:"));
  if (/^https?:\/\//i.test(bare)) return repositoryAddress(bare);
  if (HOSTED.test(bare)) return repositoryAddress(`https://${bare}`);
  if (OF_A_HOST.test(bare)) return bare; // as `github:owner/name`, which the service reads
  return SHORT.test(bare) ? repositoryAddress(`https://${DEFAULT_HOST}/${bare}`) : null;
}

/**
 * Cuts an address to its repository: without query, and without what a host's page adds after `owner/name`. Scheme and
 * port of hosts that are not public are the service's to judge: it may have some of its operator's own.
 */
function repositoryAddress(text: string): string | null {
  try {
    const url = new URL(text);
    const parts = url.pathname.split("/").filter(Boolean);
    const page = parts.findIndex((part, at) => at >= 2 && PAGES.has(part));
    const kept = page >= 0 ? parts.slice(0, page) : KNOWN_DEPTH.has(url.hostname) ? parts.slice(0, 2) : parts;
    if (kept.length < 2) return null;
    const name = kept[kept.length - 1]!.replace(/\.git$/, "");
    const protocol = PUBLIC_HOSTS.has(url.hostname) ? "https:" : url.protocol;
    return name ? `${protocol}//${url.host}/${[...kept.slice(0, -1), name].join("/")}` : null;
  } catch {
    return null;
  }
}

const PAGES = new Set(["-", "tree", "blob", "src", "issues", "pulls", "pull", "commits", "commit", "releases", "wiki", "actions"]);
const KNOWN_DEPTH = new Set(["github.com", "www.github.com", "codeberg.org", "bitbucket.org"]);
const PUBLIC_HOSTS = new Set([...KNOWN_DEPTH, "gitlab.com", "www.gitlab.com"]);
