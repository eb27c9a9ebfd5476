/** What a first look costs. `make page-check` builds before it tests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface Built {
  shell: string;
  assets: Record<string, { gzip: string }>;
}

const built = JSON.parse(readFileSync(new URL("../../functions/http/page.json", import.meta.url), "utf8")) as Built;

function bytes(ending: string): number {
  return Object.entries(built.assets)
    .filter(([path]) => path.endsWith(ending))
    .reduce((sum, [, { gzip }]) => sum + Buffer.from(gzip, "base64").length, 0);
}

test("all scripts together are at most 40 kB, compressed", () => assert.ok(bytes(".js") <= 40_000, `${bytes(".js")} B`));
test("the style sheet is at most 8 kB, compressed", () => assert.ok(bytes(".css") <= 8000, `${bytes(".css")} B`));

test("the shell has no script and no style of its own, and loads nothing from elsewhere", () => {
  assert.ok(!/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc="\/assets\/)/.test(built.shell));
  for (const [, address] of built.shell.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address!, /^\/(assets\/|docs$)/);
});
