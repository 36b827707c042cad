import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Uri } from "vscode";
import { WindowFiles } from "../src/window-file";

test("what is remembered of a folder's terminals is that folder's, and a broken file is none", async () => {
  const storage = await mkdtemp(join(tmpdir(), "gp-"));
  const windows = new WindowFiles(Uri.file(storage));
  assert.deepEqual(await windows.openTerminals("/a"), []);
  await windows.changeOpenTerminals("/a", (all) => [...all, { pid: 7, name: "Container" }]);
  await windows.changeOpenTerminals("/b", (all) => [...all, { pid: 8, name: "Other" }]);
  await windows.changeOpenTerminals("/a", (all) => [...all, { pid: 9, name: "Ä" }]);
  assert.deepEqual(await windows.openTerminals("/a"), [{ pid: 7, name: "Container" }, { pid: 9, name: "Ä" }]);
  assert.deepEqual(await readdir(dirname(windows.fileOf("/a").fsPath)), ["terminals.json"]);
  const file = join(dirname(windows.fileOf("/a").fsPath), "terminals.json");
  await writeFile(file, '[{"pid":1},null,{"pid":2,"name":"whole"}]');
  assert.deepEqual(await windows.openTerminals("/a"), [{ pid: 2, name: "whole" }]);
  await writeFile(file, "[{");
  assert.deepEqual(await windows.openTerminals("/a"), []);
  await rm(storage, { recursive: true });
});

test("the configuration that a container was made from is that container's", async () => {
  const storage = await mkdtemp(join(tmpdir(), "gp-"));
  const windows = new WindowFiles(Uri.file(storage));
  assert.equal(await windows.madeFrom("/a", "one"), undefined);
  await windows.rememberMadeFrom("/a", { containerId: "one", text: "{}" });
  await windows.rememberMadeFrom("/b", { containerId: "one", text: "{ }", declined: "{ 1 }" });
  assert.deepEqual(await windows.madeFrom("/a", "one"), { containerId: "one", text: "{}" });
  assert.deepEqual(await windows.madeFrom("/b", "one"), { containerId: "one", text: "{ }", declined: "{ 1 }" });
  assert.equal(await windows.madeFrom("/a", "two"), undefined);
  for (const broken of ["null", "{", '{"containerId":"one"}']) {
    await writeFile(join(dirname(windows.fileOf("/a").fsPath), "made-from.json"), broken);
    assert.equal(await windows.madeFrom("/a", "one"), undefined, broken);
  }
  await rm(storage, { recursive: true });
});

test("what a window leaves to the one that it becomes is taken once, and not by one of some other day", async () => {
  const storage = await mkdtemp(join(tmpdir(), "gp-"));
  const windows = new WindowFiles(Uri.file(storage));
  const file = join(dirname(windows.fileOf("/a").fsPath), "entered.json");
  assert.equal(await windows.takeEntered("/a"), undefined);
  await windows.leaveEntered("/a", { operationId: "op-1" });
  assert.equal(await windows.takeEntered("/b"), undefined);
  const [one, other] = await Promise.all([windows.takeEntered("/a"), windows.takeEntered("/a")]);
  assert.deepEqual([one, other].filter((each) => each !== undefined), [{ operationId: "op-1" }]);
  await windows.leaveEntered("/a", { operationId: undefined });
  assert.deepEqual(await windows.takeEntered("/a"), { operationId: undefined });
  await windows.leaveEntered("/a", { operationId: "op-2" });
  const left = JSON.parse(await readFile(file, "utf8")) as { at: number };
  for (const broken of [JSON.stringify({ ...left, at: left.at - 3_600_000 }), JSON.stringify({ ...left, at: left.at + 3_600_000 }), "null", "{"]) {
    await writeFile(file, broken);
    assert.equal(await windows.takeEntered("/a"), undefined, broken);
    assert.deepEqual(await readdir(dirname(file)), [], broken);
  }
  await rm(storage, { recursive: true });
});
