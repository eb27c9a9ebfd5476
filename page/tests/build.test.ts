import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { alertKinds } from "../alert-kinds.mjs";

const root = new URL("../../", import.meta.url);
const document = JSON.parse(readFileSync(new URL("functions/http/openapi/openapi.json", root), "utf8"));

test("every kind of alert has its fields with bounds and defaults, as the API's description has them", () => {
  const kinds = alertKinds(document);
  assert.ok(kinds.length >= 10);
  const inactivity = kinds.find(({ name }) => name === "inactivity")!;
  const days = inactivity.fields.find(({ name }) => name === "days")!;
  assert.deepEqual([days.type, days.nullable, days.fallback, days.min, days.max], ["integer", false, 90, 1, 365]);
  const lines = kinds.find(({ name }) => name === "lines_added_deleted")!.fields;
  assert.deepEqual(lines.filter(({ nullable }) => nullable).map(({ fallback }) => fallback), [3.5, 3.5, 10_000]);
  for (const { description, fields } of kinds) {
    assert.ok(description);
    assert.ok(fields.some(({ name, type }) => name === "enabled" && type === "boolean"));
  }
});
