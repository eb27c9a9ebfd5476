/** When the page asks again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { delay } from "../src/api/polling.ts";

const middle = () => 0.5;

test("each failure doubles the time until the next call, up to two minutes", () => {
  const delays = [0, 1, 2, 3, 5, 60].map((failures) => delay(5000, failures, null, middle));
  assert.deepEqual(delays, [5000, 10_000, 20_000, 40_000, 120_000, 120_000]);
});

test("pages that failed together do not ask again together", () => {
  assert.equal(delay(10_000, 0, null, () => 0), 8500);
  assert.equal(delay(10_000, 0, null, () => 1), 11_500);
});

test("nobody asks before the time that the service named", () => {
  assert.ok(delay(5000, 1, 30, () => 0) >= 30_000);
  assert.ok(delay(5000, 1, 30, () => 1) > delay(5000, 1, 30, () => 0));
  assert.ok(delay(5000, 6, 30, middle) > 100_000);
});
