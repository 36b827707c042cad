import assert from "node:assert/strict";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { protocolVersion } from "gangplank-protocol";
import { CannotStart } from "../src/connection";
import { RpcError } from "../src/rpc";
import { SocketRefused } from "../src/socket";
import { Bench, FakeDaemon, until, type Handler } from "./fake-daemon";

const unexpected = (what: unknown): never => {
  throw new Error(`unexpected: ${JSON.stringify(what)}`);
};

const lists: Handler = ({ method }) => (method === "workspace/list" ? { result: { engine: "e", workspaces: [] } } : undefined);

test("a call greets first, once, and gives the daemon's answer", async () => {
  const bench = await Bench.make();
  const daemon = await FakeDaemon.listen(bench.state, lists);
  await Promise.all([bench.client.call("workspace/list", {}), bench.client.call("workspace/list", {})]);
  assert.deepEqual(daemon.methods(), ["daemon/hello", "workspace/list", "workspace/list"]);
  assert.deepEqual(daemon.requests[0]?.params["protocolVersion"], protocolVersion);
  await bench.end(daemon);
});

test("where nobody listens a daemon is started, once for all callers", async () => {
  const bench = await Bench.make();
  let daemon: FakeDaemon | undefined;
  bench.start = async () => {
    daemon = await FakeDaemon.listen(bench.state, lists);
  };
  await Promise.all([1, 2, 3].map(() => bench.client.call("workspace/list", {})));
  assert.equal(bench.started, 1);
  assert.ok(daemon);
  await bench.end(daemon);
});

test("a call on its way when the daemon is killed is answered by the next one", async () => {
  const bench = await Bench.make();
  const first = await FakeDaemon.listen(bench.state, () => undefined, "first.sock");
  let second: FakeDaemon | undefined;
  bench.start = async () => {
    second ??= await FakeDaemon.listen(bench.state, lists, "second.sock");
  };
  const answer = bench.client.call("workspace/list", {});
  await until(() => first.methods().includes("workspace/list"), "the first daemon got the call");
  await first.kill();
  assert.deepEqual(await answer, { engine: "e", workspaces: [] });
  assert.ok(second);
  assert.deepEqual(second.methods(), ["daemon/hello", "workspace/list"]);
  await bench.end(second);
});

test("a subscription goes on behind the last item it saw, with the daemon started by itself", async () => {
  const bench = await Bench.make();
  const feed =
    (...seqs: number[]): Handler =>
    (request, socket) => {
      if (request.method !== "operation/subscribe") return undefined;
      // answer and items in one breath, as they come from a busy daemon
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: request.id, result: 77 }));
      for (const seq of seqs) {
        const params = { subscription: 77, result: { epoch: "x", seq, event: { type: "warning", message: seq.toString() } } };
        socket.send(JSON.stringify({ jsonrpc: "2.0", method: "operation/event", params }));
      }
      return undefined;
    };
  const first = await FakeDaemon.listen(bench.state, feed(1, 2), "first.sock");
  let second: FakeDaemon | undefined;
  bench.start = async () => {
    second ??= await FakeDaemon.listen(bench.state, feed(3, 4), "second.sock");
  };
  const seen: number[] = [];
  bench.client.subscribe("operation/subscribe", { operationId: "op-1" }, (item) => seen.push(item.seq), unexpected);
  await until(() => seen.length === 2, "two items");
  await first.kill();
  await until(() => seen.length === 4, "four items");
  assert.deepEqual(seen, [1, 2, 3, 4]);
  assert.ok(second);
  const again = second.requests.find((request) => request.method === "operation/subscribe");
  assert.deepEqual(again?.params, { operationId: "op-1", since: { epoch: "x", seq: 2 } });
  await bench.end(second);
});

test("a feed that the daemon does not have is refused, not asked for again", async () => {
  const bench = await Bench.make();
  const data = { kind: "notFound", message: "no such operation", causes: [] };
  const daemon = await FakeDaemon.listen(bench.state, ({ method }) =>
    method === "operation/subscribe" ? { error: { code: 1003, message: "no such operation", data } } : lists({ id: 0, method, params: {} }, undefined as never),
  );
  const refused: Error[] = [];
  bench.client.subscribe("operation/subscribe", { operationId: "op-9" }, unexpected, (error) => refused.push(error));
  await until(() => refused.length > 0, "the refusal");
  assert.ok(refused[0] instanceof RpcError);
  assert.equal(refused[0].data?.kind, "notFound");
  await bench.client.call("workspace/list", {});
  assert.deepEqual(daemon.methods().filter((method) => method === "operation/subscribe"), ["operation/subscribe"]);
  await bench.end(daemon);
});

test("a daemon of another major version is not asked twice", async () => {
  const bench = await Bench.make();
  const data = { kind: "protocolVersionMismatch", message: "speaks 2.0", causes: [], hint: "end it" };
  const daemon = await FakeDaemon.listen(bench.state, () => ({ error: { code: 1033, message: "speaks 2.0", data } }));
  await assert.rejects(bench.client.call("workspace/list", {}), (error: unknown) => error instanceof RpcError && error.data?.hint === "end it");
  assert.deepEqual(daemon.methods(), ["daemon/hello"]);
  assert.equal(bench.states.at(-1)?.is, "failed");
  await bench.end(daemon);
});

test("what is followed is refused when the next daemon speaks another version", async () => {
  const bench = await Bench.make();
  const first = await FakeDaemon.listen(bench.state, ({ method }) => (method.endsWith("/subscribe") ? { result: 7 } : undefined), "first.sock");
  const data = { kind: "protocolVersionMismatch", message: "speaks 2.0", causes: [] };
  let second: FakeDaemon | undefined;
  bench.start = async () => {
    second ??= await FakeDaemon.listen(bench.state, () => ({ error: { code: 1033, message: "speaks 2.0", data } }), "second.sock");
  };
  const refused: string[] = [];
  const follow = (name: string) => {
    bench.client.subscribe("operation/subscribe", { operationId: name }, unexpected, (error) => refused.push(`${name}: ${error.message}`));
  };
  follow("op-1");
  follow("op-2");
  await until(() => first.methods().filter((method) => method === "operation/subscribe").length === 2, "both are followed");
  await first.kill();
  await until(() => refused.length === 2, "both are refused");
  assert.deepEqual(refused, ["op-1: speaks 2.0", "op-2: speaks 2.0"]);
  assert.ok(second);
  await bench.end(second);
});

test("a daemon that does not answer the greeting is given up and tried again", async () => {
  const bench = await Bench.make(50);
  let silent = 1;
  const daemon = await FakeDaemon.listen(bench.state, lists);
  daemon.mute = () => silent-- > 0;
  assert.deepEqual(await bench.client.call("workspace/list", {}), { engine: "e", workspaces: [] });
  assert.deepEqual(daemon.methods(), ["daemon/hello", "daemon/hello", "workspace/list"]);
  await bench.end(daemon);
});

test("an attempt with the old settings is given up when they change, and its callers get the new one's answer", async () => {
  const bench = await Bench.make();
  let daemon: FakeDaemon | undefined;
  let release: () => void = () => undefined;
  bench.start = () =>
    bench.started === 1
      ? new Promise((_resolve, reject) => {
          release = () => {
            reject(new CannotStart("the old program"));
          };
        })
      : FakeDaemon.listen(bench.state, lists).then((listening) => {
          daemon = listening;
        });
  const answer = bench.client.call("workspace/list", {});
  await until(() => bench.started === 1, "the old program is asked");
  bench.client.connection.reset();
  release();
  assert.deepEqual(await answer, { engine: "e", workspaces: [] });
  assert.equal(bench.started, 2);
  assert.ok(daemon);
  await bench.end(daemon);
});

test("without a program the first attempt is the last", async () => {
  const bench = await Bench.make();
  bench.start = () => Promise.reject(new CannotStart("there is no gangplank"));
  await assert.rejects(bench.client.call("workspace/list", {}), /there is no gangplank/);
  assert.equal(bench.started, 1);
  await bench.end();
});

test("a daemon that fails to start is tried again, with pauses, and then given up", async () => {
  const bench = await Bench.make();
  await assert.rejects(bench.client.call("workspace/list", {}), /no program/);
  assert.equal(bench.started, 7);
  await bench.end();
});

test("a socket that others could have made or can enter is refused before it is connected to", async () => {
  const bench = await Bench.make();
  const daemon = await FakeDaemon.listen(bench.state, lists);
  const record = (socket: string) => writeFile(join(bench.state, "daemon.json"), JSON.stringify({ socket }));
  const refused = async (what: RegExp) => {
    await assert.rejects(bench.client.call("workspace/list", {}), (error: unknown) => error instanceof SocketRefused && what.test(error.message));
  };
  await chmod(bench.state, 0o755);
  await refused(/mode 755/);
  await chmod(bench.state, 0o700);
  const inner = join(bench.state, "inner");
  await mkdir(inner, { mode: 0o700 });
  await symlink(join(bench.state, "daemon.sock"), join(inner, "link.sock"));
  await record(join(inner, "link.sock"));
  await refused(/is not a socket/);
  await record(join(bench.state, "s".repeat(108)));
  await refused(/more than 107/);
  await record("daemon.sock");
  await refused(/not absolute/);
  assert.deepEqual(daemon.methods(), []);
  await rm(join(bench.state, "daemon.json"));
  await bench.end(daemon);
});
