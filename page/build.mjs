// Bundles the page into one file that the function behind `GET /` reads: each path with its type and compressed bodies.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { build } from "esbuild";
import { minify } from "terser";

import { alertKinds } from "./alert-kinds.mjs";

const here = import.meta.dirname;
const root = join(here, "..");
const out = process.argv[2] ?? join(root, "functions", "http", "page.json");

const TYPES = { css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" };

// The alert settings as the API's description has them: data, which the page asks for when it shows their form.
const document = JSON.parse(readFileSync(join(root, "functions/http/openapi/openapi.json"), "utf8"));
const kinds = JSON.stringify(alertKinds(document));
const kindsPath = `/assets/alert-kinds-${hashed(kinds).slice(0, 8)}.json`;

// esbuild bundles; terser gets a further thirtieth out of the scripts, since it looks beyond one statement and one call.
const TERSER = { module: true, ecma: 2020, compress: { passes: 3, unsafe_arrows: true } };
const { version: terser } = JSON.parse(readFileSync(join(here, "node_modules/terser/package.json"), "utf8"));

const { outputFiles, metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.tsx", "src/style.css", "src/icon.svg"],
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome123", "firefox120", "safari17.5"],
  minify: true,
  metafile: true,
  write: false,
  outdir: "/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  jsx: "automatic",
  jsxImportSource: "preact",
  // Names hold for what esbuild wrote: what terser is and does belongs to them as well. Terser drops the comment.
  footer: { js: `// ${terser} ${JSON.stringify(TERSER)}` },
  define: { ALERT_KINDS_PATH: JSON.stringify(kindsPath) },
  logLevel: "warning",
});

const assets = { [kindsPath]: { type: "application/json", ...compressed(kinds) } };
const entries = {};
for (const { path, contents } of outputFiles) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const ending = name.split(".").pop();
  const body = ending === "js" ? (await minify(Buffer.from(contents).toString(), TERSER)).code : contents;
  assets[`/assets/${name}`] = { type: TYPES[ending], ...compressed(body) };
}
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint) entries[entryPoint.split("/").pop()] = `/assets/${path.slice(path.lastIndexOf("/") + 1)}`;
}
// esbuild names no entry point for what it copies.
entries["icon.svg"] ??= Object.keys(assets).find((path) => path.endsWith(".svg"));

const shell = readFileSync(join(here, "src/index.html"), "utf8").replace(/\{\{([\w.]+)\}\}/g, (_, name) => {
  if (!entries[name]) throw new Error(`index.html asks for ${name}, which was not built`);
  return entries[name];
});
writeFileSync(out, `${JSON.stringify({ shell, assets })}\n`);
for (const [path, { gzip }] of Object.entries(assets)) console.log(`${path} ${Buffer.from(gzip, "base64").length} B gzip`);

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
