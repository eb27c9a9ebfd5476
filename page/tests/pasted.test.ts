import assert from "node:assert/strict";
import { test } from "node:test";

import { comparable, readList } from "../src/watchlist/pasted.ts";

const FLASK = "https://github.com/pallets/flask";

const addresses = (text: string) => readList(text, new Set()).map((line) => ("address" in line ? line.address : null));

for (const spelling of [
  FLASK,
  `${FLASK}.git`,
  `${FLASK}/`,
  "pallets/flask",
  "github.com/pallets/flask",
  "git@github.com:pallets/flask.git",
  "ssh://git@github.com/pallets/flask.git",
  "ssh://git@github.com:22/pallets/flask.git",
  "git://github.com/pallets/flask.git",
  "git+https://github.com/pallets/flask.git",
  "http://github.com/pallets/flask",
  `${FLASK}/tree/main/src`,
  `${FLASK}/issues?q=1#frag`,
  `<${FLASK}>`,
  `"${FLASK}",`,
  `- ${FLASK}  # our framework`,
  `3. ${FLASK}`,
  `\ufeff${FLASK}\u200b`,
  `\u202a"${FLASK}"\u202c`,
]) {
  test(`${spelling} is one repository`, () => assert.deepEqual(addresses(spelling), [FLASK]));
}

test("groups of GitLab stay whole, and what follows /-/ goes", () => {
  assert.deepEqual(addresses("https://gitlab.com/group/sub/project/-/tree/main"), ["https://gitlab.com/group/sub/project"]);
});

test("a list is separated by lines, commas and spaces", () => {
  assert.deepEqual(addresses("a/b, c/d e/f\r\n\n# all of it\ng/h"), ["a/b", "c/d", "e/f", "g/h"].map((name) => `https://github.com/${name}`));
});

test("what is there twice or watched already is not sent", () => {
  const watched = new Set([comparable("https://github.com/Pallets/Flask")]);
  assert.deepEqual(readList("pallets/flask a/b A/B.git", watched).map(({ kind }) => kind), ["watched", "address", "duplicate"]);
});

for (const nonsense of ["hello", "javascript:alert(1)", "file:///etc/passwd", "https://github.com", "https://github.com/pallets", "http://evil.example/a", "../..", "ftp://a.example/b/c"]) {
  test(`${nonsense} is no repository`, () => assert.deepEqual(addresses(nonsense), [null]));
}

test("a service on this machine may speak http", () => {
  assert.deepEqual(addresses("http://127.0.0.1:4321/local/main.git"), ["http://127.0.0.1:4321/local/main"]);
});

test("what names a host in short is left to the service", () => {
  assert.deepEqual(addresses("github:pallets/flask, gitlab:a/b/c"), ["github:pallets/flask", "gitlab:a/b/c"]);
});

test("scheme and port of a host that is not public are left to the service", () => {
  for (const [spelling, address] of [
    ["http://10.0.0.7:3000/ada/x/src/branch/main", "http://10.0.0.7:3000/ada/x"],
    ["https://lab.example.org:8443/a/b/c/-/issues", "https://lab.example.org:8443/a/b/c"],
    ["ssh://git@lab.example.org:2222/a/b/c.git", "ssh://git@lab.example.org:2222/a/b/c.git"],
    ["git@lab.example.org:a/b/c.git", "git@lab.example.org:a/b/c.git"],
  ] as const) {
    assert.deepEqual(addresses(spelling), [address]);
  }
});

test("ten thousand lines are read at once", () => {
  const text = Array.from({ length: 10_000 }, (_, number) => `owner/name-${number}`).join("\n");
  assert.equal(readList(text, new Set()).filter(({ kind }) => kind === "address").length, 10_000);
});
