import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { copy, said } from "../src/announce.ts";

/** What the page says after a copy in a browser that has this clipboard. */
async function copied(context: TestContext, clipboard: { writeText: (text: string) => Promise<void> } | undefined) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  Object.defineProperty(globalThis, "navigator", { value: { clipboard }, configurable: true });
  const done = await copy("https://example.org/feed");
  assert.equal(done, !said.value!.isError);
  return said.value!.text;
}

test("what was copied is said", async (context) => {
  const texts: string[] = [];
  assert.equal(await copied(context, { writeText: async (text) => void texts.push(text) }), "Copied.");
  assert.deepEqual(texts, ["https://example.org/feed"]);
});

test("a browser that refuses is said, and what to do", async (context) => {
  const refusal = Promise.reject(new DOMException("Write permission denied.", "NotAllowedError"));
  assert.match(await copied(context, { writeText: () => refusal }), /copy it yourself/);
});

test("a page without https has no clipboard, which is said as well", async (context) => {
  assert.match(await copied(context, undefined), /copy it yourself/);
});
