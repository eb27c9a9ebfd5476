import assert from "node:assert/strict";
import { test } from "node:test";

import { everything } from "../src/api/client.ts";

const page = (items: number[], next_cursor: string | null, shifted = false) => ({ items, next_cursor, shifted });

test("a list whose rows moved meanwhile is asked for anew, a few times", async () => {
  const answers = [page([1, 2], "a"), page([2], null, true), page([1], "b"), page([2, 3], null)];
  const asked: (string | null)[] = [];
  const items = await everything(async (cursor) => {
    asked.push(cursor);
    return answers[asked.length - 1] ?? page([], null);
  });

  assert.deepEqual(items, [1, 2, 3]);
  assert.deepEqual(asked, [null, "a", null, "b"]);

  const restless = await everything(async (cursor) => (cursor === null ? page([1], "a") : page([2], null, true)));
  assert.deepEqual(restless, [1, 2]);
});
