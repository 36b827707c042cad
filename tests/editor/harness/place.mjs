// Where things are, and what of them is set up: the editor, the program, the packaged extension.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const top = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const target = process.env.CARGO_TARGET_DIR ?? join(top, "target");

/** The installation of one version of the editor, made now where it is not there. */
export function editor(version) {
  const at = join(target, "editor", `code-server-${version}`);
  if (!existsSync(join(at, "complete"))) {
    console.log(`installing code-server ${version}`);
    const apt = spawnSync("sh", ["-c", "command -v chromium && command -v g++"]).status === 0 ? { SKIP_APT: "1" } : {};
    const env = { ...process.env, CODE_SERVER: version, ...apt };
    execFileSync(join(top, "tests/editor/install.sh"), [at], { env, stdio: "inherit" });
  }
  return at;
}

/** The `gangplank` under test: the one named, else the one built last. */
export function program() {
  const named = process.env.GANGPLANK_TEST_BINARY;
  const found = named ?? join(target, "debug/gangplank");
  if (!existsSync(found)) throw new Error(`${found} is missing: cargo build --bin gangplank`);
  return found;
}

/** The extension as users get it, packaged now from the present sources. */
export function vsix(node) {
  const at = join(top, "editor-extension");
  const run = (command, args) => execFileSync(command, args, { cwd: at, stdio: ["ignore", "pipe", "inherit"] });
  if (!existsSync(join(at, "node_modules/.package-lock.json")) || older(join(at, "node_modules/.package-lock.json"), join(at, "package-lock.json"))) {
    run("npm", ["ci"]);
  }
  const out = join(target, "editor/gangplank.vsix");
  mkdirSync(dirname(out), { recursive: true });
  run(node, ["scripts/build.mjs", "--limit"]);
  // vsce wants a newer node than the one that builds
  run(node, ["node_modules/@vscode/vsce/vsce", "package", "--no-dependencies", "--skip-license", "--allow-missing-repository", "--out", out]);
  return { path: out, bytes: statSync(out).size };
}

/** An extension of somebody else's that makes terminals. */
export function otherExtension(node) {
  const out = join(target, "editor/other.vsix");
  const vsce = join(top, "editor-extension/node_modules/@vscode/vsce/vsce");
  const options = ["--no-dependencies", "--skip-license", "--allow-missing-repository", "--out", out];
  execFileSync(node, [vsce, "package", ...options], { cwd: join(top, "tests/editor/other-extension"), stdio: ["ignore", "pipe", "pipe"] });
  return out;
}

/** A folder for screenshots and logs of this run. */
export function evidence(name) {
  const at = join(target, "editor/evidence", name);
  mkdirSync(at, { recursive: true });
  return at;
}

function older(a, b) {
  return statSync(a).mtimeMs < statSync(b).mtimeMs;
}
