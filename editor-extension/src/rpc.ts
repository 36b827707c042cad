/**
 * One JSON-RPC connection over one WebSocket: requests, their answers, notifications, the end.
 *
 * It knows nothing about reconnecting (`connection.ts`) nor about methods (`client.ts`).
 */
import type { ErrorData } from "gangplank-protocol";
import * as vscode from "vscode";
import type WebSocket from "ws";

/** The daemon's own refusal or failure. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  constructor(
    message: string,
    readonly code: number,
    /** What the daemon says about it; absent for errors of JSON-RPC itself. */
    readonly data: ErrorData | undefined,
  ) {
    super(message);
  }
}

/** The connection ended before the answer came. Whether the daemon did the work is unknown. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  constructor(reason: string) {
    super(vscode.l10n.t("the connection to the daemon ended: {0}", reason));
  }
}

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  /** Called in the turn in which the answer came, before any notification that follows it. */
  onResult: ((result: unknown) => void) | undefined;
}

interface Message {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

export class RpcPeer {
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private open = true;
  /** Called for every notification. */
  onNotification: (method: string, params: unknown) => void = () => undefined;
  /** Called once, when the connection is over. */
  onClosed: (reason: string) => void = () => undefined;

  constructor(private readonly socket: WebSocket) {
    socket.on("message", (data) => {
      // ws hands text over as a Buffer unless `binaryType` says otherwise
      this.receive((data as Buffer).toString("utf8"));
    });
    socket.on("error", (error) => {
      this.end(error.message);
    });
    socket.on("close", (code) => {
      this.end(vscode.l10n.t("closed ({0})", code));
    });
  }

  get isOpen(): boolean {
    return this.open;
  }

  request(method: string, params: unknown, onResult?: (result: unknown) => void): Promise<unknown> {
    if (!this.open) return Promise.reject(new ConnectionLost(vscode.l10n.t("closed")));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject, onResult });
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  close(): void {
    this.socket.close();
    this.end(vscode.l10n.t("closed by this side"));
  }

  private receive(text: string): void {
    let message: Message;
    try {
      message = JSON.parse(text) as Message;
    } catch {
      this.socket.terminate();
      this.end(vscode.l10n.t("the daemon sent something that is not JSON"));
      return;
    }
    if (message.method !== undefined) {
      this.onNotification(message.method, message.params);
      return;
    }
    const pending = message.id === undefined ? undefined : this.pending.get(message.id);
    if (pending === undefined || message.id === undefined) return;
    this.pending.delete(message.id);
    if (message.error) {
      const { code, message: text, data } = message.error;
      pending.reject(new RpcError(text, code, isErrorData(data) ? data : undefined));
    } else {
      pending.onResult?.(message.result);
      pending.resolve(message.result);
    }
  }

  private end(reason: string): void {
    if (!this.open) return;
    this.open = false;
    for (const pending of this.pending.values()) pending.reject(new ConnectionLost(reason));
    this.pending.clear();
    this.onClosed(reason);
  }
}

function isErrorData(data: unknown): data is ErrorData {
  return typeof data === "object" && data !== null && "kind" in data && "message" in data;
}
