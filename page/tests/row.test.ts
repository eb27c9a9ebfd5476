import assert from "node:assert/strict";
import { test } from "node:test";

import { csv } from "../src/watchlist/csv.ts";
import { relabelled } from "../src/watchlist/labels.ts";
import { type Row, matches, sorted } from "../src/watchlist/row.ts";
import { missing } from "../src/repository/risks.ts";

const ROW: Row = {
  id: "watchlist_a_b_1",
  watchId: "user_1_watchlist_a_b_1",
  url: "https://github.com/a/b",
  name: "a/b",
  host: "github.com",
  status: "ready",
  stage: null,
  verdict: { state: "active", reasons: [{ code: "recent_commits", message: "5 commits by people in the last 13 weeks." }] },
  score: 5,
  scoreChange: null,
  weeks: [1, 2],
  lastByPerson: null,
  absenceFactor: 1,
  openAlerts: 0,
  checkedAt: null,
  addedAt: "2026-01-01T00:00:00.000Z",
  labels: [],
  notes: "",
};

const row = (name: string, changes: Partial<Row> = {}): Row => ({ ...ROW, name, watchId: name, ...changes });
const names = (rows: Row[]) => rows.map(({ name }) => name);
const state = (name: Row["verdict"]["state"]): Partial<Row> => ({ verdict: { ...ROW.verdict, state: name } });

test("the worst comes first, among equals the one with more alerts", () => {
  const rows = [row("fine"), row("gone", state("gone")), row("alerted", { openAlerts: 2 }), row("unknown", state("unknown"))];
  assert.deepEqual(names(sorted(rows, "worst", false)), ["gone", "unknown", "alerted", "fine"]);
});

test("what is not known comes last, whichever way", () => {
  const rows = [row("none", { score: null }), row("low", { score: 1 }), row("high", { score: 9 })];
  assert.deepEqual(names(sorted(rows, "score", false)), ["low", "high", "none"]);
  assert.deepEqual(names(sorted(rows, "score", true)), ["high", "low", "none"]);
});

test("all words of a search must be there, in name, reason, label or note", () => {
  const one = row("pallets/flask", { labels: ["web"], notes: "Our framework" });
  const found = (text: string) => matches(one, { verdict: null, label: null, text });
  assert.ok(found("FLASK web"));
  assert.ok(found("13 weeks"));
  assert.ok(!found("flask rust"));
});

test("no cell of an export is a formula, and quotes are doubled", () => {
  const text = csv([row("a/b", { notes: '=HYPERLINK("https://evil.example")', labels: ["a,b"] })]);
  assert.ok(text.includes(`"'=HYPERLINK(""https://evil.example"")"`));
  assert.ok(text.includes('"a,b"'));
  for (const [notes, kept] of [["\uff1d1", "'\uff1d1"], [" \u200b+1", "' \u200b+1"], ["a; =1", "a;' =1"], ["a - b", "a - b"], ["-", "'-"]]) {
    assert.ok(csv([row("a/b", { notes })]).endsWith(`,${kept}\r\n`), notes);
  }
  assert.equal(text.trim().split("\r\n").length, 2);
});

test("a check costs what is missing times its weight; an inconclusive one nothing", () => {
  assert.equal(missing({ name: "Dangerous-Workflow", score: 0 }), 100);
  assert.equal(missing({ name: "License", score: 8 }), 5);
  assert.ok(missing({ name: "SAST", score: null }) < 0);
});

test("labels are added once and removed by name, whatever stands between them", () => {
  assert.deepEqual(relabelled(["core", "old"], "infra, core  web", "old,never"), ["core", "infra", "web"]);
  assert.deepEqual(relabelled(["core"], "", ""), ["core"]);
});
