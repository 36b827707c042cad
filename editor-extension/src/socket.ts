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
import * as vscode from "vscode";
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
    if (isMissing(error)) throw new NotListening(vscode.l10n.t("no daemon has written {0}", file));
    throw error;
  }
  let record: Partial<DaemonRecord>;
  try {
    record = JSON.parse(text) as Partial<DaemonRecord>;
  } catch {
    throw new NotListening(vscode.l10n.t("{0} is being written", file));
  }
  if (typeof record.socket !== "string") throw new SocketRefused(vscode.l10n.t("{0} names no socket", file));
  await checkSocket(record.socket);
  return record.socket;
}

/** Refuses a socket that somebody else could have made or can reach. */
export async function checkSocket(socket: string): Promise<void> {
  const length = Buffer.byteLength(socket);
  if (length > maxSocketPath) {
    throw new SocketRefused(vscode.l10n.t("the socket's path {0} has {1} bytes, more than {2}", socket, length, maxSocketPath));
  }
  if (!isAbsolute(socket)) throw new SocketRefused(vscode.l10n.t("the socket's path {0} is not absolute", socket));
  const directory = dirname(socket);
  const [around, own] = await Promise.all([facts(directory), facts(socket)]);
  if (!around.isDirectory()) throw new SocketRefused(vscode.l10n.t("{0} is not a directory", directory));
  if (!own.isSocket()) throw new SocketRefused(vscode.l10n.t("{0} is not a socket", socket));
  const uid = process.getuid?.();
  for (const [path, owner] of [[directory, around.uid], [socket, own.uid]] as const) {
    if (uid !== undefined && owner !== uid) {
      throw new SocketRefused(vscode.l10n.t("{0} belongs to user {1}, not to user {2}", path, owner, uid));
    }
  }
  if ((around.mode & 0o077) !== 0) {
    throw new SocketRefused(vscode.l10n.t("{0} has mode {1} where only its owner may have access", directory, (around.mode & 0o7777).toString(8)));
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

/**
 * Opens a WebSocket at `route` of the socket.
 * @param listen begins to listen, before the connection is open: the first frame may come together with the answer to
 * the upgrade, and is delivered before whoever waits for the opening gets to run
 * @returns what `listen` gave, once the connection is open
 */
export function openWebSocket<T>(socket: string, route: string, listen: (ws: WebSocket) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://localhost${route}`, {
      agent: new UnixAgent(socket),
      perMessageDeflate: false,
      maxPayload: maxMessage,
      handshakeTimeout,
    });
    // stays behind the opening, where it does nothing but keep a late error from having no listener at all
    ws.on("error", (error) => {
      const code = (error as NodeJS.ErrnoException).code;
      const nobody = code === "ENOENT" || code === "ECONNREFUSED";
      reject(nobody ? new NotListening(vscode.l10n.t("nobody listens on {0}", socket)) : error);
    });
    const listening = listen(ws);
    ws.once("open", () => {
      resolve(listening);
    });
  });
}

async function facts(path: string): Promise<Stats> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) throw new NotListening(vscode.l10n.t("{0} is gone", path));
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
