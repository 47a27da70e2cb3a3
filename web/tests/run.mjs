/** Bundles tests/*.test.ts with Vite's esbuild and runs them with Node's own runner. Words choose files by name. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const words = process.argv.slice(2);
const files = readdirSync(here).filter(
  (name) => name.endsWith(".test.ts") && words.every((word) => name.includes(word)),
);
const out = mkdtempSync(join(tmpdir(), "firstline-web-"));
try {
  await build({
    entryPoints: files.map((name) => join(here, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
    loader: { ".css": "text" },
    logLevel: "warning",
  });
  const made = files.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
  process.exitCode =
    spawnSync(process.execPath, ["--enable-source-maps", "--test", ...made], {
      stdio: "inherit",
      env: { ...process.env, TZ: "UTC" },
    }).status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
