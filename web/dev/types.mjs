/**
 * Writes src/shared/api.generated.ts from the API's description, which Python makes without any server:
 * `npm run types`. With --check nothing is written, and it ends with 1 when the file is not what would be.
 */
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import openapiTS, { astToString } from "openapi-typescript";

const root = resolve(import.meta.dirname, "../..");
const file = resolve(root, "web/src/shared/api.generated.ts");
const python = process.env.PYTHON ?? resolve(root, ".venv/bin/python");

function described() {
  const made = spawnSync(python, ["-m", "app.api_description"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  if (made.status === 0) return JSON.parse(made.stdout);
  const why = made.error?.message ?? made.stderr;
  throw new Error(`The API's description could not be made with ${python}: ${why}`);
}

/** Pydantic titles every field with its own name, which says nothing. A field that is called title is an object. */
function untitled(schema) {
  if (Array.isArray(schema)) return schema.map(untitled);
  if (schema === null || typeof schema !== "object") return schema;
  const kept = Object.entries(schema).filter(([key, value]) => key !== "title" || typeof value !== "string");
  return Object.fromEntries(kept.map(([key, value]) => [key, untitled(value)]));
}

const { openapi, info, components } = described();
// Paths are left out: the pages' own calls name theirs, and the errors of each would be ten thousand lines.
const tree = await openapiTS(
  { openapi, info, paths: {}, components: { schemas: untitled(components.schemas) } },
  { defaultNonNullable: false, rootTypes: true, rootTypesNoSchemaPrefix: true, rootTypesKeepCasing: true },
);
const fresh = `/* The forms of the API, generated from its description by \`npm run types\`; do not edit. */
${astToString(tree)}`;

const held = await readFile(file, "utf8").catch(() => "");
if (process.argv.includes("--check")) {
  if (held !== fresh) {
    console.error("web/src/shared/api.generated.ts is not what the API says now.");
    console.error("Run `cd web && npm run types`, then `npm run check`, and commit both changes.");
    process.exitCode = 1;
  }
} else if (held !== fresh) {
  await writeFile(file, fresh);
  console.log("web/src/shared/api.generated.ts is written anew.");
} else console.log("web/src/shared/api.generated.ts is as it was.");
