import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogOutputChannel } from "vscode";
import { Cancelled } from "../src/failure";
import { Operations } from "../src/operation";
import type { OperationModel } from "../src/operation-model";
import { Bench, FakeDaemon, until, type Handler } from "./fake-daemon";
import { shown } from "./vscode";

const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent, debug: silent } as unknown as LogOutputChannel;

/** A daemon whose one operation has begun a step and goes on until it is cancelled. */
const working =
  (cancel: Handler): Handler =>
  (request, socket) => {
    if (request.method === "operation/cancel") return cancel(request, socket);
    if (request.method !== "operation/subscribe") return { result: true };
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: request.id, result: 5 }));
    const event = { type: "step", step: { step: "create", title: "Create [x](command:evil)", status: "running", startedAt: 0 } };
    socket.send(JSON.stringify({ jsonrpc: "2.0", method: "operation/event", params: { subscription: 5, result: { epoch: "e", seq: 1, event } } }));
    return undefined;
  };

async function follow(cancel: Handler): Promise<{ bench: Bench; daemon: FakeDaemon; followed: Promise<unknown> }> {
  const bench = await Bench.make();
  const daemon = await FakeDaemon.listen(bench.state, (request, socket) => (request.method === "daemon/hello" ? undefined : working(cancel)(request, socket)));
  shown.messages.length = 0;
  const operations = new Operations(bench.client, log);
  const followed = operations.follow("Opening [y](command:evil)", { operationId: "op-1", joined: false }, () => Promise.resolve(undefined));
  followed.catch(silent);
  await until(() => shown.messages.length > 0, "the step is shown");
  return { bench, daemon, followed };
}

test("what is shown of an operation has one link, the extension's own", async () => {
  const operation = { operationId: "op-1", kind: "workspaceUp", subject: "/x", state: "cancelled", startedAt: 0, steps: [] };
  const { bench, daemon, followed } = await follow((_request, socket) => {
    const params = { subscription: 5, result: { epoch: "e", seq: 2, event: { type: "ended", operation } } };
    socket.send(JSON.stringify({ jsonrpc: "2.0", method: "operation/event", params }));
    return { result: operation };
  });
  assert.equal(shown.titles.at(-1), "Opening [y] (command:evil) ([Show Log](command:gangplank.showLog))");
  assert.deepEqual(shown.messages, ["Create [x] (command:evil)"]);
  shown.cancel();
  await assert.rejects(followed, Cancelled);
  await bench.end(daemon);
});

test("an operation that cannot be cancelled keeps nobody waiting, and says so", async () => {
  const { bench, daemon, followed } = await follow(() => ({ error: { code: -32603, message: "out of order" } }));
  shown.cancel();
  await assert.rejects(followed, /could not be cancelled: Out of order/);
  await bench.end(daemon);
});

test("an operation of which enough is done is left to itself, whatever becomes of it", async () => {
  for (const state of ["running", "failed"]) {
    const bench = await Bench.make();
    const operation = { operationId: "op-1", kind: "workspaceUp", subject: "/x", state, startedAt: 0, steps: [] };
    const methods: string[] = [];
    const daemon = await FakeDaemon.listen(bench.state, (request, socket) => {
      if (request.method === "daemon/hello") return undefined;
      methods.push(request.method);
      return request.method === "operation/get" ? { result: operation } : working(() => ({ result: operation }))(request, socket);
    });
    const operations = new Operations(bench.client, log);
    const enough = (model: OperationModel): boolean => model.steps.some(({ step }) => step === "create");
    const left = await operations.follow("Opening", { operationId: "op-1", joined: false }, () => Promise.resolve(undefined), enough);
    assert.equal(left.state, state);
    assert.ok(!methods.includes("operation/cancel"), methods.join());
    await bench.end(daemon);
  }
});
