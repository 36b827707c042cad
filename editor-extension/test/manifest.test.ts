import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { methodsOf } from "./sources";
import { env } from "./vscode";
import { requireOwnMachine } from "../src/session";

interface Manifest {
  [key: string]: unknown;
  extensionKind: string[];
  capabilities: { untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] } };
  contributes: {
    commands: { command: string; title: string; category: string }[];
    menus: Record<string, { command: string }[]>;
    configuration: { properties: Record<string, { scope: string }> };
    walkthroughs: { steps: unknown[] }[];
    problemPatterns: { regexp: string }[];
    problemMatchers: { pattern: string | { regexp: string }[] }[];
  };
}

const text = readFileSync("package.json", "utf8");
const manifest = JSON.parse(text) as Manifest;
const sources = readdirSync("src", { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(`src/${name}`, "utf8") }));
const all = sources.map((source) => source.text).join("\n");

test("the extension is of the stable API and runs where the workspace is", () => {
  assert.equal(manifest["enabledApiProposals"], undefined);
  assert.ok(!all.includes("vscode.proposed"));
  assert.deepEqual(manifest.extensionKind, ["workspace"]);
});

test("what chooses programs is the machine's, and restricted", () => {
  assert.equal(manifest.capabilities.untrustedWorkspaces.supported, "limited");
  for (const name of manifest.capabilities.untrustedWorkspaces.restrictedConfigurations) {
    assert.equal(manifest.contributes.configuration.properties[name]?.scope, "machine", name);
  }
});

test("every command that is declared is there, and every one that is there is declared", () => {
  const declared = manifest.contributes.commands.map((each) => each.command).sort();
  const registered = [...all.matchAll(/register\(session, "([^"]+)"/g)].map((match) => match[1] ?? "").sort();
  assert.deepEqual(registered, declared);
  const used = Object.values(manifest.contributes.menus).flatMap((menu) => menu.map((each) => each.command));
  for (const command of used) assert.ok(declared.includes(command), command);
});

test("only commands that run nothing of a repository do without trust", () => {
  const free = [...all.matchAll(/register\(session, "([^"]+)"(?:(?!register\(session)[^])*?untrusted: true/g)].map((match) => match[1]);
  assert.deepEqual(free.sort(), ["gangplank.reopenLocally", "gangplank.showActions", "gangplank.showLog"]);
});

test("every text is there, and none too many", () => {
  const texts = Object.keys(JSON.parse(readFileSync("package.nls.json", "utf8")) as object).sort();
  const used = [...new Set([...text.matchAll(/"%([^%]+)%"/g)].map((match) => match[1] ?? ""))].sort();
  assert.deepEqual(used, texts);
});

test("the bundle for translators has every text of the sources, and none too many", async () => {
  // the library is a module of the other kind for the compiler, and is not bundled
  const { getL10nJson } = await import("@vscode/l10n-dev");
  const contents = sources.map((source) => ({ contents: source.text, extension: ".ts" as const }));
  assert.equal(manifest["l10n"], "./l10n");
  assert.deepEqual(JSON.parse(readFileSync("l10n/bundle.l10n.json", "utf8")), await getL10nJson(contents), "npm run texts");
});

test("the problem patterns take files of this machine, by their whole path or from the folder, and none of the container's own", () => {
  const { problemPatterns, problemMatchers } = manifest.contributes;
  const patterns = [...problemPatterns.map((each) => each.regexp), ...problemMatchers.flatMap(({ pattern }) => (Array.isArray(pattern) ? pattern.slice(0, 1) : []).map((each) => each.regexp))];
  const fileIn = (line: string): (string | undefined)[] => patterns.map((pattern) => new RegExp(pattern).exec(line)?.[1]);
  assert.deepEqual(fileIn("/home/ada/my app/a.c:1:2: error: x"), ["/home/ada/my app/a.c", undefined, undefined]);
  assert.deepEqual(fileIn("src/a.c:1: warning: x"), ["src/a.c", undefined, undefined]);
  assert.deepEqual(fileIn("/workspaces/app/src/a.c:1:2: error: x"), ["src/a.c", undefined, undefined]);
  assert.deepEqual(fileIn("/home/ada/app/a.ts(1,2): error TS1: x"), [undefined, "/home/ada/app/a.ts", undefined]);
  assert.deepEqual(fileIn("src/a.ts:1:2 - error TS1: x"), [undefined, "src/a.ts", undefined]);
  assert.deepEqual(fileIn('  File "/home/ada/my app/a.py", line 3, in f'), [undefined, undefined, "/home/ada/my app/a.py"]);
  for (const own of ["/usr/include/a.h:1:2: note: x", '  File "/usr/lib/python3/json.py", line 3', '  File "<string>", line 1', " *  The terminal process ended with a.c:1:2: error: x"]) {
    assert.deepEqual(fileIn(own), [undefined, undefined, undefined], own);
  }
});

test("a walkthrough has six steps at most", () => {
  for (const walkthrough of manifest.contributes.walkthroughs) assert.ok(walkthrough.steps.length <= 6);
});

test("methods are named only where the generated types check them", () => {
  const known = methodsOf(readFileSync("../protocol/typescript/methods.ts", "utf8"));
  for (const { name, text } of sources) {
    for (const [, method] of text.matchAll(/"((?:daemon|engine|image|container|workspace|operation|process|watch)\/\w+)"/g)) {
      assert.ok(method !== undefined && known.includes(method), `${name}: ${method ?? ""}`);
    }
  }
});

test("a window that is wholly in another container is refused", () => {
  for (const remote of [undefined, "ssh-remote", "wsl", "127.0.0.1:8080"]) {
    env.remoteName = remote;
    assert.doesNotThrow(requireOwnMachine);
  }
  for (const remote of ["dev-container", "attached-container", "codespaces"]) {
    env.remoteName = remote;
    assert.throws(requireOwnMachine, /already inside a container/);
  }
  env.remoteName = undefined;
});
