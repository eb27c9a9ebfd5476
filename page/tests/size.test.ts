/** What a first look costs. `make page-check` builds before it tests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

interface Built {
  shell: string;
  assets: Record<string, { gzip: string }>;
}

const built = JSON.parse(readFileSync(new URL("../../functions/http/page.json", import.meta.url), "utf8")) as Built;

const body = (path: string) => Buffer.from(built.assets[path]!.gzip, "base64");
const named = (name: string) => Object.keys(built.assets).find((path) => path.startsWith(`/assets/${name}`))!;

/** Returns the compressed bytes of scripts with all that these import at once, each counted once. */
function bytes(...names: string[]): number {
  const waiting = names.map(named);
  const loaded = new Set<string>();
  for (let path = waiting.pop(); path; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    for (const [, imported] of gunzipSync(body(path)).toString().matchAll(/(?:from|import)["`]\.\/([^"`]+)["`]/g)) {
      waiting.push(`/assets/${imported}`);
    }
  }
  return [...loaded].reduce((sum, path) => sum + body(path).length, 0);
}

test("the first look asks for one script of at most 20 kB, compressed", () => {
  assert.equal(bytes("main-"), body(named("main-")).length);
  assert.ok(bytes("main-") <= 20_000, `${bytes("main-")} B`);
});
for (const parts of [["analysis-", "settings-"], ["besides-"], ["editing-", "settings-"]]) {
  test(`a page of ${parts.join()} asks for at most 40 kB of scripts, compressed, the sign-in included`, () => {
    const asked = bytes("main-", ...parts, "sign-in-");
    assert.ok(asked > bytes("main-") && asked <= 40_000, `${asked} B`);
  });
}
test("the style sheet is at most 8 kB, compressed", () => assert.ok(body(named("style-")).length <= 8000));

test("the shell has no script and no style of its own, and loads nothing from elsewhere", () => {
  assert.ok(!/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc="\/assets\/)/.test(built.shell));
  for (const [, address] of built.shell.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address!, /^\/(assets\/|docs$)/);
});
