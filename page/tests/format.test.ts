import assert from "node:assert/strict";
import { test } from "node:test";

import { delay } from "../src/api/polling.ts";
import { ago, counted, linkable, pageLink, quantile, repository, span, words } from "../src/format.ts";
import { binned } from "../src/plots/bins.ts";

test("a span is told in its largest sensible unit", () => {
  assert.deepEqual([0.4, 41, 600, 7200, 86400 * 3, 86400 * 100, 86400 * 800].map(span), ["0.4 s", "41 s", "10 min", "2 h", "3 d", "3 mo", "2 y"]);
});

test("a moment is so long ago, or still to come, or unknown", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");
  assert.equal(ago("2026-01-31T11:00:00Z", now), "60 min ago");
  assert.equal(ago("2026-02-01T12:00:00Z", now), "in 24 h");
  assert.equal(ago("nonsense", now), "unknown");
});

test("one thing, many things", () => {
  assert.deepEqual([counted(1, "alert"), counted(1200, "alert"), counted(2, "repository", "repositories")], ["1 alert", "1,200 alerts", "2 repositories"]);
});

test("names of the API read as words", () => assert.deepEqual(["storing_commits", "repository-setup"].map(words), ["Storing commits", "Repository setup"]));

test("an address falls into host and name, and nonsense is shown as it is", () => {
  assert.deepEqual(repository("https://gitlab.com/a/b/c/"), { host: "gitlab.com", name: "a/b/c" });
  assert.deepEqual(repository("nonsense"), { host: "", name: "nonsense" });
});

test("only https on the repository's own host is linked", () => {
  const home = "https://github.com/a/b";
  assert.equal(linkable("https://github.com/a/b/x", home), "https://github.com/a/b/x");
  for (const address of ["http://github.com/a", "https://evil.example/a", "https://github.com.evil.example/", "javascript:alert(1)", "https://me:pw@github.com/a", "//github.com/a", null]) {
    assert.equal(linkable(address, home), null);
  }
});

test("a commit and a tag are linked by the API's patterns, on the repository's own host only", () => {
  const home = "https://github.com/a/b";
  assert.equal(pageLink(`${home}/commit/{sha}`, "0f".repeat(20), home), `${home}/commit/${"0f".repeat(20)}`);
  assert.equal(pageLink(`${home}/releases/tag/{tag}`, "@scope/name@1.0 $&", home), `${home}/releases/tag/%40scope/name%401.0%20%24%26`);
  assert.equal(pageLink(`${home}/releases/tag/{tag}`, "../../../x/y", home), null);
  assert.equal(pageLink("https://elsewhere.example/{sha}", "0f", home), null);
  assert.equal(pageLink("http://127.0.0.1:1/a/b/commit/{sha}", "0f", "http://127.0.0.1:1/a/b"), null);
  assert.equal(pageLink(null, "0f", home), null);
});

test("a quantile is one of the numbers", () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([], 0.5), null);
});

test("bins double, and hold each time once", () => {
  const seconds = [0, 0.2, 1, 3, 4, 100];
  const bins = binned(seconds);
  assert.equal(bins.reduce((sum, { count }) => sum + count, 0), seconds.length);
  for (const { from, to } of bins.slice(1)) assert.equal(to, from * 2);
  assert.deepEqual(binned([]), []);
});

test("the page asks more rarely the longer it fails, never sooner than it was told, and at different times", () => {
  const middle = () => 0.5;
  assert.equal(delay(2000, 0, null, middle), 2000);
  assert.equal(delay(2000, 3, null, middle), 16_000);
  assert.equal(delay(2000, 60, null, middle), 120_000);
  assert.ok(delay(2000, 1, 300, middle) >= 300_000);
  assert.notEqual(delay(2000, 0, null, () => 0), delay(2000, 0, null, () => 1));
});
