// Bundles the page into one file that the function behind `GET /` reads: each path with its type and compressed bodies.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { transform } from "lightningcss";
import { rolldown } from "rolldown";

import { alertKinds } from "./alert-kinds.mjs";

const here = import.meta.dirname;
const root = join(here, "..");
const out = process.argv[2] ?? join(root, "functions", "http", "page.json");

const assets = {};

// The alert settings as the API's description has them: data, which the page asks for when it shows their form.
const document = JSON.parse(readFileSync(join(root, "functions/http/openapi/openapi.json"), "utf8"));
const kindsPath = asset("alert-kinds.json", "application/json", JSON.stringify(alertKinds(document)));
const entries = {
  "main.tsx": await scripts("src/main.tsx"),
  "style.css": asset("style.css", "text/css; charset=utf-8", styles("src/style.css")),
  "icon.svg": asset("icon.svg", "image/svg+xml", readFileSync(join(here, "src/icon.svg"))),
};

const shell = readFileSync(join(here, "src/index.html"), "utf8").replace(/\{\{([\w.]+)\}\}/g, (_, name) => {
  if (!entries[name]) throw new Error(`index.html asks for ${name}, which was not built`);
  return entries[name];
});
writeFileSync(out, `${JSON.stringify({ shell, assets })}\n`);
for (const [path, { gzip }] of Object.entries(assets)) console.log(`${path} ${Buffer.from(gzip, "base64").length} B gzip`);

/** Bundles what an entry asks for at once into one script, what it asks for later into others; returns the first one's path. */
async function scripts(entry) {
  const bundle = await rolldown({
    cwd: here,
    input: entry,
    transform: { target: ["chrome123", "firefox120", "safari17.5"], define: { ALERT_KINDS_PATH: JSON.stringify(kindsPath) } },
  });
  const names = "[name]-[hash].js";
  const { output } = await bundle.generate({ minify: true, entryFileNames: names, chunkFileNames: names });
  for (const { fileName, code } of output) assets[`/assets/${fileName}`] = { type: "text/javascript; charset=utf-8", ...compressed(code) };
  return `/assets/${output.find(({ isEntry }) => isEntry).fileName}`;
}

function styles(path) {
  const version = (major, minor = 0) => (major << 16) | (minor << 8);
  const targets = { chrome: version(123), firefox: version(120), safari: version(17, 5) };
  return transform({ filename: path, code: readFileSync(join(here, path)), minify: true, targets }).code;
}

/** Adds a file under a name that changes with its content, and returns its path. */
function asset(name, type, contents) {
  const path = `/assets/${name.replace(".", `-${hashed(contents).slice(0, 8)}.`)}`;
  assets[path] = { type, ...compressed(contents) };
  return path;
}

function compressed(contents) {
  const bytes = Buffer.from(contents);
  return {
    etag: hashed(bytes).slice(0, 16),
    br: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).toString("base64"),
    gzip: gzipSync(bytes, { level: 9, memLevel: 9 }).toString("base64"),
  };
}

function hashed(content) {
  return createHash("sha256").update(content).digest("base64url");
}
