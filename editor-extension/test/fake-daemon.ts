/** A daemon on a real Unix socket that says what a test tells it to say. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:http";
import { WebSocketServer, type WebSocket } from "ws";
import { protocolVersion } from "gangplank-protocol";
import { Client } from "../src/client";
import { Connection, type ConnectionState, type Door } from "../src/connection";
import { findSocket } from "../src/socket";

interface Request {
  id: number;
  method: string;
  params: Record<string, unknown>;
}

/** An answer: a result, an error, or nothing at all for a request that is never answered. */
export type Reply = { result: unknown } | { error: { code: number; message: string; data?: unknown } } | undefined;
export type Handler = (request: Request, socket: WebSocket) => Reply;

export class FakeDaemon {
  readonly requests: Request[] = [];
  private readonly sockets = new Set<WebSocket>();
  /** True for a greeting that gets no answer. */
  mute: () => boolean = () => false;
  /** What every stream carries, all of it at once. */
  streams: Uint8Array[] = [];

  private constructor(
    private readonly server: Server,
    private readonly wss: WebSocketServer,
  ) {}

  static async listen(state: string, handle: Handler, name = "daemon.sock"): Promise<FakeDaemon> {
    const server = createServer();
    const wss = new WebSocketServer({ server });
    const daemon = new FakeDaemon(server, wss);
    wss.on("connection", (socket, request) => {
      daemon.sockets.add(socket);
      if (request.url?.startsWith("/stream/") === true) {
        for (const frame of daemon.streams) socket.send(frame);
        socket.close();
        return;
      }
      socket.on("message", (data) => {
        const request = JSON.parse((data as Buffer).toString("utf8")) as Request;
        daemon.requests.push(request);
        if (request.method === "daemon/hello" && daemon.mute()) return;
        const reply = request.method === "daemon/hello" ? (handle(request, socket) ?? { result: hello }) : handle(request, socket);
        if (reply !== undefined) socket.send(JSON.stringify({ jsonrpc: "2.0", id: request.id, ...reply }));
      });
    });
    const socket = join(state, name);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    await writeFile(join(state, "daemon.json"), JSON.stringify({ pid: process.pid, socket, version: "0", protocolVersion }));
    return daemon;
  }

  /** Ends as a killed process does: connections go without a word. */
  async kill(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.wss.close();
    await new Promise((resolve) => this.server.close(resolve));
  }

  methods(): string[] {
    return this.requests.map((request) => request.method);
  }
}

export const hello = { protocolVersion, daemon: { name: "gangplank", version: "9.9.9" }, epoch: "e1", capabilities: ["somethingNew"], unknownField: 1 };

/** A client of the daemons in a state directory of its own, and what it went through. */
export class Bench {
  readonly states: ConnectionState[] = [];
  started = 0;
  start: () => Promise<void> = () => Promise.reject(new Error("no program"));
  readonly client: Client;

  private constructor(readonly state: string, patience: number) {
    const door: Door = {
      find: () => findSocket(state),
      start: () => {
        this.started++;
        return this.start();
      },
    };
    const silent = () => undefined;
    const connection = new Connection(door, () => ({ client: { name: "test", version: "1" }, environment: {} }), { info: silent, warn: silent, debug: silent }, patience);
    connection.onState = (state) => this.states.push(state);
    this.client = new Client(connection);
  }

  /** @param patience how long the answer to the greeting may take, in milliseconds */
  static async make(patience = 10_000): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), "gp-")), patience);
  }

  async end(...daemons: FakeDaemon[]): Promise<void> {
    this.client.dispose();
    await Promise.all(daemons.map((daemon) => daemon.kill()));
    await rm(this.state, { recursive: true, force: true });
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it never came to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
