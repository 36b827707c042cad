/**
 * The connection to the daemon, which comes back by itself.
 *
 * A daemon may be killed at any moment and loses nothing by it, so a lost connection is no failure: it is made again,
 * with a daemon started where none listens, and calls that were on their way are sent once more. That is safe because
 * mutating calls carry a `requestKey` and all others may be repeated. What cannot get better by waiting (another
 * protocol version, a socket of somebody else, no program) ends the attempt at once.
 */
import { protocolVersion, type DaemonHelloParams, type DaemonHelloResult } from "gangplank-protocol";
import * as vscode from "vscode";
import { ConnectionLost, RpcError, RpcPeer } from "./rpc";
import { NotListening, SocketRefused, openWebSocket } from "./socket";

/** How a daemon is found and started. */
export interface Door {
  /** The socket of the living daemon; throws `NotListening` where there is none. */
  find(): Promise<string>;
  /** Starts a daemon and returns when one answers. Throws `CannotStart` when no attempt can help. */
  start(): Promise<void>;
}

/** No daemon can be had, and trying again does not help. */
export class CannotStart extends Error {
  override readonly name: string = "CannotStart";
}

export type ConnectionState =
  | { is: "idle" }
  | { is: "connecting" }
  | { is: "connected"; hello: DaemonHelloResult }
  | { is: "failed"; error: Error };

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
}

/** Pauses between attempts, in milliseconds. */
const backoff = [50, 100, 200, 400, 800, 1600];
/** How long the answer to the greeting may take, in milliseconds. */
const greetingTimeout = 10_000;
/** Pause before a connection that is still wanted is tried again after all attempts failed. */
const later = 5000;

export class Connection {
  private peer: RpcPeer | undefined;
  private attempt: Promise<RpcPeer> | undefined;
  /** Counts resets: an attempt of before one is given up, whatever it came to. */
  private turn = 0;
  private socket: string | undefined;
  private current: ConnectionState = { is: "idle" };
  private disposed = false;
  private retry: NodeJS.Timeout | undefined;
  /** Called on every new connection, after the greeting and before any call. */
  onConnected: (peer: RpcPeer) => void = () => undefined;
  onNotification: (method: string, params: unknown) => void = () => undefined;
  onState: (state: ConnectionState) => void = () => undefined;
  /** Called when no connection can be had and none will be tried for by itself. */
  onGivenUp: (error: Error) => void = () => undefined;
  /** True while somebody needs the connection also without a call, as a subscription does. */
  wanted: () => boolean = () => false;

  constructor(
    private readonly door: Door,
    private readonly greeting: () => Omit<DaemonHelloParams, "protocolVersion">,
    private readonly log: Logger,
    private readonly patience = greetingTimeout,
  ) {}

  get state(): ConnectionState {
    return this.current;
  }

  /** Sends a request, over a new connection where the present one ends before the answer. */
  async request(method: string, params: unknown, onResult?: (result: unknown) => void): Promise<unknown> {
    for (let again = false; ; again = true) {
      const peer = await this.connected();
      try {
        return await peer.request(method, params, onResult);
      } catch (error) {
        if (!(error instanceof ConnectionLost) || again || this.disposed) throw error;
        this.log.info(`${method} is sent again: ${error.message}`);
      }
    }
  }

  /** The connection, made where there is none. */
  connected(): Promise<RpcPeer> {
    if (this.disposed) return Promise.reject(new ConnectionLost(vscode.l10n.t("the extension ends")));
    if (this.peer?.isOpen === true) return Promise.resolve(this.peer);
    if (this.attempt === undefined) {
      const attempt = this.connect(this.turn).finally(() => {
        if (this.attempt === attempt) this.attempt = undefined;
      });
      this.attempt = attempt;
    }
    return this.attempt;
  }

  /** The socket of the present connection, for streams. */
  async socketPath(): Promise<string> {
    await this.connected();
    if (this.socket === undefined) throw new ConnectionLost(vscode.l10n.t("closed"));
    return this.socket;
  }

  /**
   * Forgets a failure, an attempt and the connection, and connects anew at the next need, as after a setting was
   * changed. Who waits for the attempt waits for the next one.
   */
  reset(): void {
    clearTimeout(this.retry);
    this.turn++;
    this.attempt = undefined;
    this.peer?.close();
    this.set({ is: "idle" });
    if (this.wanted()) this.again(0);
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.retry);
    this.peer?.close();
  }

  private async connect(turn: number): Promise<RpcPeer> {
    clearTimeout(this.retry);
    this.set({ is: "connecting" });
    for (let tried = 0; ; tried++) {
      try {
        return await this.once(turn);
      } catch (thrown) {
        if (this.turn !== turn) return this.connected();
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        const pause = backoff[tried];
        if (isFinal(error) || pause === undefined || this.disposed) {
          this.log.warn(`no connection to the daemon: ${error.message}`);
          this.set({ is: "failed", error });
          if (isFinal(error)) this.onGivenUp(error);
          else this.again(later);
          throw error;
        }
        this.log.debug(`attempt ${(tried + 1).toString()} failed: ${error.message}`);
        await new Promise((resolve) => setTimeout(resolve, pause));
        if (this.turn !== turn) return this.connected();
      }
    }
  }

  private async once(turn: number): Promise<RpcPeer> {
    const { socket, peer } = await this.open();
    let hello: DaemonHelloResult;
    try {
      hello = await this.greet(peer);
    } catch (error) {
      peer.close();
      throw error;
    }
    if (this.turn !== turn) {
      peer.close();
      throw new ConnectionLost(vscode.l10n.t("another one is wanted"));
    }
    if (this.disposed) {
      peer.close();
      throw new ConnectionLost(vscode.l10n.t("the extension ends"));
    }
    this.peer = peer;
    this.socket = socket;
    peer.onNotification = (method, params) => {
      this.onNotification(method, params);
    };
    peer.onClosed = (reason) => {
      this.lost(peer, reason);
    };
    this.log.info(`connected to ${hello.daemon.name} ${hello.daemon.version} on ${socket}`);
    this.set({ is: "connected", hello });
    this.onConnected(peer);
    return peer;
  }

  private async greet(peer: RpcPeer): Promise<DaemonHelloResult> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(vscode.l10n.t("the daemon did not answer the greeting in {0} s", this.patience / 1000)));
      }, this.patience);
    });
    try {
      return (await Promise.race([peer.request("daemon/hello", { protocolVersion, ...this.greeting() }), late])) as DaemonHelloResult;
    } finally {
      clearTimeout(timer);
    }
  }

  private async open(): Promise<{ socket: string; peer: RpcPeer }> {
    try {
      return await openPeer(await this.door.find());
    } catch (error) {
      if (!(error instanceof NotListening)) throw error;
      this.log.info(`a daemon is started: ${error.message}`);
      await this.door.start();
      return openPeer(await this.door.find());
    }
  }

  private lost(peer: RpcPeer, reason: string): void {
    if (this.peer !== peer || this.disposed) return;
    this.peer = undefined;
    this.log.info(`the connection to the daemon ended: ${reason}`);
    this.set({ is: "idle" });
    if (this.wanted()) this.again(0);
  }

  private again(pause: number): void {
    clearTimeout(this.retry);
    if (this.disposed) return;
    this.retry = setTimeout(() => {
      if (this.wanted()) this.connected().catch(() => undefined);
    }, pause);
    this.retry.unref();
  }

  private set(state: ConnectionState): void {
    this.current = state;
    this.onState(state);
  }
}

async function openPeer(socket: string): Promise<{ socket: string; peer: RpcPeer }> {
  return { socket, peer: await openWebSocket(socket, "/rpc", (ws) => new RpcPeer(ws)) };
}

function isFinal(error: Error): boolean {
  if (error instanceof SocketRefused || error instanceof CannotStart) return true;
  return error instanceof RpcError && error.data?.kind === "protocolVersionMismatch";
}
