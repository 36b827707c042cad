import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import type { ErrorData, Operation, OperationEvent } from "gangplank-protocol";
import { changedProperties } from "../src/configuration";
import { OperationFailed, headline, lines } from "../src/failure";
import { OperationModel } from "../src/operation-model";
import { findPaths } from "../src/link-text";
import { plain } from "../src/plain";
import { sharedPaths, toContainer, toHost } from "../src/paths";
import { quoted } from "../src/quote";
import { windowText } from "../src/window-file";
import { clientEnvironment, engineEnvironment } from "../src/environment";

const step = (name: string, status: "running" | "succeeded" | "failed", exitCode?: number): OperationEvent => ({
  type: "step",
  step: { step: name, title: name, status, startedAt: 0, ...(exitCode === undefined ? {} : { exitCode }) },
});

test("steps keep their order, and a step is replaced by what it became", () => {
  const model = new OperationModel("op-1");
  for (const event of [step("pull", "running"), step("pull", "succeeded"), step("create", "running")]) model.apply(event);
  assert.deepEqual(model.steps.map((each) => [each.step, each.status]), [["pull", "succeeded"], ["create", "running"]]);
  assert.equal(model.running?.step, "create");
});

test("output becomes whole lines, a line written over keeps its last state, and the rest comes at the end", () => {
  const model = new OperationModel("op-1");
  const output = (text: string): string[] => model.apply({ type: "output", step: "postCreateCommand", text }).lines;
  assert.deepEqual(output("one\ntw"), ["postCreateCommand | one"]);
  assert.deepEqual(output("o\r\n10%\r20%\r\nrest"), ["postCreateCommand | two", "postCreateCommand | 20%"]);
  const operation: Operation = { operationId: "op-1", kind: "workspaceUp", subject: "/x", state: "succeeded", startedAt: 0, steps: [] };
  assert.deepEqual(model.apply({ type: "ended", operation }).lines, ["postCreateCommand | rest"]);
  assert.equal(model.ended?.state, "succeeded");
});

test("a pull's percentage is of all its layers", () => {
  const model = new OperationModel("op-1");
  model.apply(step("pull", "running"));
  const layer = (item: string, done: number): OperationEvent => ({ type: "progress", step: "pull", item, status: "Downloading", done, total: 100 });
  model.apply(layer("a", 100));
  assert.equal(model.apply(layer("b", 0)).message, "pull: 50 %");
});

test("a failing hook is told by its step and its own output first", () => {
  const operation: Operation = {
    operationId: "op-1", kind: "workspaceUp", subject: "/x", state: "failed", startedAt: 0, steps: [],
    error: {
      kind: "lifecycleFailed", message: "a hook failed", step: "postCreateCommand", causes: [], hint: "mend it",
      details: { type: "command", exitCode: 3, lastOutput: ["setting up", "no such package: frobnicate"] },
    },
  };
  assert.equal(headline(new OperationFailed(operation)), "postCreateCommand failed with exit code 3: setting up\nno such package: frobnicate — Mend it.");
});

test("a failure without causes, as it comes over the wire, is told all the same", () => {
  const error = JSON.parse('{"kind": "notFound", "message": "no such workspace"}') as ErrorData;
  const operation: Operation = { operationId: "op-1", kind: "workspaceUp", subject: "/x", state: "failed", startedAt: 0, steps: [], error };
  assert.equal(headline(new OperationFailed(operation)), "No such workspace.");
  assert.deepEqual(lines(new OperationFailed(operation)), ["no such workspace"]);
});

test("paths go both ways by what is mounted, the most specific first", () => {
  const mounts = [
    { kind: "bind", source: "/home/a/repo", target: "/workspaces/repo", readOnly: false },
    { kind: "volume", source: "cache", target: "/workspaces/repo/cache", readOnly: false },
    { kind: "bind", source: "/data", target: "/mnt", readOnly: true },
  ];
  const shared = sharedPaths({ host: "/home/a/repo/sub", container: "/workspaces/repo/sub" }, mounts);
  assert.equal(toHost(shared, "/workspaces/repo/sub/main.py"), "/home/a/repo/sub/main.py");
  assert.equal(toHost(shared, "/workspaces/repo/other.py"), "/home/a/repo/other.py");
  assert.equal(toHost(shared, "/workspaces/repository/x"), undefined);
  assert.equal(toHost(shared, "/mnt/../etc/passwd"), undefined);
  assert.equal(toContainer(shared, "/data/ä b.py"), "/mnt/ä b.py");
  assert.equal(toContainer(shared, "/home/a/elsewhere"), undefined);
});

test("paths are found in tracebacks, compiler messages and plain text", () => {
  const found = (text: string) => findPaths(text).map(({ path, line, column }) => [path, line, column]);
  assert.deepEqual(found('  File "/workspaces/my proj/main.py", line 3, in <module>'), [["/workspaces/my proj/main.py", 3, undefined]]);
  assert.deepEqual(found("/w/a.c:3:7: error: x"), [["/w/a.c", 3, 7]]);
  assert.deepEqual(found("see /w/a.ts(12,5) and (/w/b.py)"), [["/w/a.ts", 12, 5], ["/w/b.py", undefined, undefined]]);
  assert.deepEqual(found("https://example.org/w/a.c and src/x.c:1"), []);
});

test("a word for the shell is quoted where it must be", () => {
  assert.equal(quoted("/workspaces/a/main.py"), "/workspaces/a/main.py");
  assert.equal(quoted("/w/it's $(x).py"), "'/w/it'\\''s $(x).py'");
});

test("a file name with keys in it is typed as its bytes", () => {
  const name = "/w/a\nb\u001b[A ü'%\\.py";
  const typed = quoted(name);
  assert.ok(!/[\u0000-\u001f]/.test(typed), typed);
  assert.equal(execFileSync("/bin/sh", ["-c", `printf %s ${typed}`], { encoding: "utf8" }), name);
});

test("what others wrote has no links, no keys, no marks that turn it round", () => {
  assert.equal(plain("[Show Log](command:evil)"), "[Show Log] (command:evil)");
  assert.equal(plain("[a]\u200b(command:x) [b]\u001b[0m(command:y)"), "[a] (command:x) [b] (command:y)");
  assert.equal(plain("a\u202egnp.exe\u0007 b\r\nc\td\u{e0041}"), "agnp.exe\ufffd b\nc d");
  assert.equal(plain("\u001b]8;;http://x\u0007text\u001b]8;;\u0007"), "text");
  assert.equal(plain("Ördner 漢字 👩‍💻 [1] (2)"), "Ördner 漢字 👩‍💻 [1] (2)");
});

test("comments, layout and order of a configuration are no change; values are, by their property", () => {
  const before = '{ "image": "a", "containerEnv": { "X": "1" } }';
  assert.deepEqual(changedProperties(before, '\ufeff{\n  // why\n  "containerEnv": { "X": "1", },\n  "image": "a",\n}'), []);
  assert.deepEqual(changedProperties(before, '{ "image": "b", "mounts": [], "containerEnv": { "X": "1" } }'), ["image", "mounts"]);
  assert.deepEqual(changedProperties(before, '{ "image": "a" }'), ["containerEnv"]);
  assert.equal(changedProperties(before, '{ "image": '), undefined);
});

test("an interruption says what to do next as the daemon does", () => {
  const operation: Operation = {
    operationId: "op-1", kind: "workspaceUp", subject: "/x", state: "interrupted", startedAt: 0, steps: [],
    nextStep: "postCreateCommand was cut off and counts as run",
  };
  assert.equal(headline(new OperationFailed(operation)), "The daemon ended while it worked on /x: postCreateCommand was cut off and counts as run.");
});

test("a folder whose path has the form of a variable is not named to the editor's profile", () => {
  const text = windowText({ folder: "/home/a/${env:HOME}", program: "/opt/gangplank", globalArguments: [], containerName: "box" });
  const { settings } = JSON.parse(text) as { settings: Record<string, { Container: { args: string[] } }> };
  assert.deepEqual(settings["terminal.integrated.profiles.linux"]?.Container.args, ["shell", "--container-id", "box"]);
});

test("the window's file has the folder, the default profile, and a title without variables of the folder's making", () => {
  const text = windowText({ folder: "/home/a/b x ä", program: "/opt/gangplank", globalArguments: ["--context", "c"], containerName: "box ${x}" });
  const parsed = JSON.parse(text) as { folders: unknown; settings: Record<string, unknown> };
  assert.deepEqual(parsed.folders, [{ path: "/home/a/b x ä", name: "b x ä" }]);
  assert.equal(parsed.settings["terminal.integrated.defaultProfile.linux"], "Container");
  assert.deepEqual(parsed.settings["terminal.integrated.profiles.linux"], {
    Container: { path: "/opt/gangplank", args: ["--context", "c", "shell", "--workspace-folder", "/home/a/b x ä"], icon: "package", overrideName: true },
  });
  assert.ok(!String(parsed.settings["window.title"]).includes("${x}"));
});

test("the editor's own doors and secrets do not travel with the greeting", () => {
  const environment = { HOME: "/h", DOCKER_HOST: "unix:///x", GITHUB_TOKEN: "s", VSCODE_IPC_HOOK_CLI: "/s", ELECTRON_RUN_AS_NODE: "1", EMPTY: undefined };
  assert.deepEqual(engineEnvironment(environment), { HOME: "/h", DOCKER_HOST: "unix:///x" });
  assert.deepEqual(clientEnvironment(environment), { HOME: "/h", DOCKER_HOST: "unix:///x", GITHUB_TOKEN: "s" });
});
