import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FrameKind, encodeFrame } from "gangplank-protocol";
import { openWebSocket } from "../src/socket";
import { Bench, FakeDaemon } from "./fake-daemon";

/** The frame of WebSocket around a message of binary data; short ones only. */
function webSocketFrame(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x82, message.length]), message]);
}

/** A server that answers the upgrade and says all that it has to say in one write. */
async function abrupt(socket: string, messages: Uint8Array[]): Promise<Server> {
  const server = createServer((connection) => {
    connection.on("error", () => undefined);
    connection.once("data", (request) => {
      const key = /sec-websocket-key: (\S+)/i.exec(request.toString("latin1"))?.[1] ?? "";
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
      connection.end(Buffer.concat([Buffer.from(head), ...messages.map(webSocketFrame), Buffer.from([0x88, 0x00])]));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return server;
}

const text = (payload: string): Uint8Array => new TextEncoder().encode(payload);

test("what comes in one breath with the answer to the upgrade is heard", async () => {
  const state = await mkdtemp(join(tmpdir(), "gp-"));
  const socket = join(state, "s");
  const server = await abrupt(socket, [text("first"), text("second")]);
  const heard: string[] = [];
  await openWebSocket(socket, "/stream/x", (ws) => {
    ws.on("message", (data) => heard.push((data as Buffer).toString("utf8")));
    return new Promise<void>((resolve) => ws.once("close", () => { resolve(); }));
  });
  assert.deepEqual(heard, ["first", "second"]);
  server.close();
  await rm(state, { recursive: true });
});

test("a process that ended before its stream is open has all its output and its exit code, also when this side is busy", async () => {
  const bench = await Bench.make();
  const frames = [encodeFrame(FrameKind.Stdout, text("all of it"), 0), encodeFrame(FrameKind.Exited, text('{"code":3}'))];
  const daemon = await FakeDaemon.listen(bench.state, ({ method }) =>
    method === "process/start" ? { result: { processId: "p-1", containerId: "c", stream: { streamId: "s-1", offset: 0 } } } : undefined,
  );
  daemon.streams = frames;
  for (let run = 0; run < 5; run++) {
    const ended = bench.client.run({ target: { type: "container", container: "c" }, argv: ["x"], environment: {}, trust: "refuse", clientEnvironment: {} });
    const busy = setInterval(() => {
      const end = Date.now() + 100;
      while (Date.now() < end);
    }, 1);
    try {
      assert.deepEqual(await ended, { exit: { code: 3 }, output: "all of it" });
    } finally {
      clearInterval(busy);
    }
  }
  await bench.end(daemon);
});
