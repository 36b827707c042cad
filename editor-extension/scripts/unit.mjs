// Bundles the unit tests and runs them with Node's own runner. The editor's API is replaced by the few parts that the
// tested modules use (test/vscode.ts).
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";

const out = "dist/test";
rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`),
  outdir: out,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node18",
  external: ["bufferutil", "utf-8-validate", "@vscode/l10n-dev"],
  mainFields: ["module", "main"],
  alias: { vscode: resolve("test/vscode.ts") },
  sourcemap: "inline",
  logLevel: "warning",
});
const files = readdirSync(out).map((name) => `${out}/${name}`);
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
process.exitCode = status ?? 1;
