// Bundles the extension into one file. `--limit` fails when the package would be larger than 1 MB without the program,
// `--watch` builds again at every change.
import { build, context } from "esbuild";
import { stat } from "node:fs/promises";

const limit = 1_000_000;
const out = "dist/extension.js";
/** @type {import("esbuild").BuildOptions} */
const options = {
  entryPoints: ["src/extension.ts"],
  outfile: out,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  // bufferutil and utf-8-validate are native and optional to ws
  external: ["vscode", "bufferutil", "utf-8-validate"],
  // one of the packages has a form for all module systems at once, which cannot be bundled
  mainFields: ["module", "main"],
  minify: true,
  logLevel: "warning",
  tsconfig: "tsconfig.json",
};

if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
  const { size } = await stat(out);
  console.log(`${out}: ${size} bytes`);
  if (process.argv.includes("--limit") && size > limit) {
    console.error(`${out} has more than ${limit} bytes`);
    process.exitCode = 1;
  }
}
