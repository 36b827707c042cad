/**
 * Finding the daemon's socket, checking that it is this user's own, and opening WebSockets on it.
 *
 * The state directory's `daemon.json` is the only source of the path. The checks are those that every client makes:
 * what another user could have put there, or could enter, is refused and never connected to.
 */
import type { DaemonRecord } from "gangplank-protocol";
import type { Stats } from "node:fs";
import { lstat, readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { connect as connectSocket, type Socket } from "node:net";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import WebSocket from "ws";

/** Longest path of a Unix socket in bytes; Node silently cuts longer ones. */
const maxSocketPath = 107;
/** Nothing that the daemon sends is longer. */
const maxMessage = 16 * 1024 * 1024;
const handshakeTimeout = 10_000;

/** The socket is there but must not be used. Trying again does not help. */
export class SocketRefused extends Error {
  override readonly name = "SocketRefused";
}

/** Nobody listens: no daemon, or one that died. */
export class NotListening extends Error {
  override readonly name = "NotListening";
}

/** The directory with the daemon's record, its lock and its log. */
export function stateDirectory(environment: NodeJS.ProcessEnv): string {
  const state = environment["XDG_STATE_HOME"];
  const home = environment["HOME"];
  const base = state !== undefined && isAbsolute(state) ? state : join(home === undefined || home === "" ? homedir() : home, ".local/state");
  return join(base, "gangplank");
}

/** The path of the living daemon's socket, checked. */
export async function findSocket(state: string): Promise<string> {
  const file = join(state, "daemon.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) throw new NotListening(`no daemon has written ${file}`);
    throw error;
  }
  let record: Partial<DaemonRecord>;
  try {
    record = JSON.parse(text) as Partial<DaemonRecord>;
  } catch {
    throw new NotListening(`${file} is being written`);
  }
  if (typeof record.socket !== "string") throw new SocketRefused(`${file} names no socket`);
  await checkSocket(record.socket);
  return record.socket;
}

/** Refuses a socket that somebody else could have made or can reach. */
export async function checkSocket(socket: string): Promise<void> {
  const length = Buffer.byteLength(socket);
  if (length > maxSocketPath) {
    throw new SocketRefused(`the socket's path ${socket} has ${length.toString()} bytes, more than ${maxSocketPath.toString()}`);
  }
  if (!isAbsolute(socket)) throw new SocketRefused(`the socket's path ${socket} is not absolute`);
  const directory = dirname(socket);
  const [around, own] = await Promise.all([facts(directory), facts(socket)]);
  if (!around.isDirectory()) throw new SocketRefused(`${directory} is not a directory`);
  if (!own.isSocket()) throw new SocketRefused(`${socket} is not a socket`);
  const uid = process.getuid?.();
  for (const [path, owner] of [[directory, around.uid], [socket, own.uid]] as const) {
    if (uid !== undefined && owner !== uid) {
      throw new SocketRefused(`${path} belongs to user ${owner.toString()}, not to user ${uid.toString()}`);
    }
  }
  if ((around.mode & 0o077) !== 0) {
    throw new SocketRefused(`${directory} has mode ${(around.mode & 0o7777).toString(8)} where only its owner may have access`);
  }
}

/**
 * Connects to a Unix socket whatever the request says. `ws+unix:` addresses will not do (they are split at the first
 * colon of the path, and blanks are encoded), nor will ws's `createConnection`: the editor's proxy support gives each
 * request of an extension an agent of its own, beside which that is not looked at; for `localhost` it hands over to ours.
 */
class UnixAgent extends Agent {
  constructor(private readonly socket: string) {
    super();
  }

  override createConnection(): Socket {
    return connectSocket(this.socket);
  }
}

/** Opens a WebSocket at `route` of the socket. */
export function openWebSocket(socket: string, route: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://localhost${route}`, {
      agent: new UnixAgent(socket),
      perMessageDeflate: false,
      maxPayload: maxMessage,
      handshakeTimeout,
    });
    ws.once("open", () => {
      ws.removeAllListeners("error");
      resolve(ws);
    });
    ws.once("error", (error) => {
      const code = (error as NodeJS.ErrnoException).code;
      const nobody = code === "ENOENT" || code === "ECONNREFUSED";
      reject(nobody ? new NotListening(`nobody listens on ${socket}`) : error);
    });
  });
}

async function facts(path: string): Promise<Stats> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) throw new NotListening(`${path} is gone`);
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
