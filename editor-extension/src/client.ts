/**
 * The protocol, typed: calls, subscriptions that survive a reconnection, and processes run to their end.
 *
 * Every name and type comes from the generated package; none is written here.
 */
import {
  FrameKind,
  decodeFrame,
  encodeFrame,
  subscriptions,
  type Methods,
  type ProcessExit,
  type ProcessStartParams,
  type Subscriptions,
} from "gangplank-protocol";
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type WebSocket from "ws";
import type { Connection } from "./connection";
import { RpcError, type RpcPeer } from "./rpc";
import { openWebSocket } from "./socket";

export type Method = keyof Methods;
export type Topic = keyof Subscriptions;

/** A subscription that goes on over lost connections, until it is ended or the daemon refuses it. */
export interface Subscription {
  end(): void;
}

interface Live {
  topic: Topic;
  params: object;
  onItem: (item: never) => void;
  onRefused: (error: Error) => void;
  since: { epoch: string; seq: number } | undefined;
  /** The daemon's name for it, on the present connection. */
  id: string | number | undefined;
}

/** What a process without a terminal came to. */
export interface ProcessEnd {
  exit: ProcessExit;
  output: string;
}

/** A key under which the daemon does a call once only. */
export function requestKey(): string {
  return randomUUID();
}

export class Client {
  private readonly live = new Set<Live>();
  private readonly byId = new Map<string | number, Live>();

  constructor(readonly connection: Connection) {
    connection.wanted = () => this.live.size > 0;
    connection.onNotification = (method, params) => {
      this.deliver(method, params);
    };
    connection.onConnected = (peer) => {
      this.byId.clear();
      for (const live of this.live) void this.begin(peer, live);
    };
    connection.onGivenUp = (error) => {
      for (const live of [...this.live]) this.refuse(live, error);
    };
  }

  async call<M extends Method>(method: M, params: Methods[M]["params"]): Promise<Methods[M]["result"]> {
    return (await this.connection.request(method, params)) as Methods[M]["result"];
  }

  /**
   * Follows a feed. Items come in order; after a reconnection they go on behind the last one seen, or say `resync`.
   * `onRefused` is called when the daemon does not have the feed (any more).
   */
  subscribe<T extends Topic>(
    topic: T,
    params: Omit<Subscriptions[T]["params"], "since">,
    onItem: (item: Subscriptions[T]["item"]) => void,
    onRefused: (error: Error) => void,
  ): Subscription {
    const live: Live = { topic, params, onItem, onRefused, since: undefined, id: undefined };
    this.live.add(live);
    const open = this.connection.state.is === "connected";
    this.connection.connected().then(
      // a connection that is made for this subscription begins it by itself
      (peer) => (open ? this.begin(peer, live) : undefined),
      (error: unknown) => {
        this.refuse(live, error);
      },
    );
    return {
      end: () => {
        this.end(live);
      },
    };
  }

  /** Runs a process without a terminal and collects what it writes. */
  async run(params: Omit<ProcessStartParams, "tty" | "interactive" | "detach" | "requestKey">): Promise<ProcessEnd> {
    return this.runToEnd({ ...params, tty: false, interactive: false, detach: false, requestKey: requestKey() });
  }

  /** Runs a process to its end, with a terminal or without, and collects what it writes. */
  async runToEnd(params: ProcessStartParams): Promise<ProcessEnd> {
    const started = await this.call("process/start", params);
    if (started.stream === undefined) throw new Error(vscode.l10n.t("the daemon gave no stream"));
    const socket = await this.connection.socketPath();
    const { streamId } = started.stream;
    const chunks: Buffer[] = [];
    return await new Promise<ProcessEnd>((resolve, reject) => {
      const listen = (ws: WebSocket): void => {
        ws.on("message", (data) => {
          const frame = decodeFrame(data as Buffer);
          if (frame.kind === FrameKind.Stdout || frame.kind === FrameKind.Stderr) {
            chunks.push(Buffer.from(frame.payload));
            // a frame may come in the turn in which the connection opens
            ws.send(encodeFrame(FrameKind.Acknowledge, new Uint8Array(), frame.offset + frame.payload.length), () => undefined);
          } else if (frame.kind === FrameKind.Exited) {
            const exit = JSON.parse(Buffer.from(frame.payload).toString("utf8")) as ProcessExit;
            resolve({ exit, output: Buffer.concat(chunks).toString("utf8") });
            ws.close();
          }
        });
        ws.on("close", () => {
          reject(new Error(vscode.l10n.t("the process's stream ended before the process")));
        });
      };
      openWebSocket(socket, `/stream/${encodeURIComponent(streamId)}`, listen).catch(reject);
    });
  }

  dispose(): void {
    this.live.clear();
    this.connection.dispose();
  }

  private async begin(peer: RpcPeer, live: Live): Promise<void> {
    const params = live.since === undefined ? live.params : { ...live.params, since: live.since };
    try {
      // the first item may come in the same turn as the answer, so the name is noted in that turn
      await peer.request(live.topic, params, (id) => {
        if (typeof id !== "string" && typeof id !== "number") return;
        if (!this.live.has(live)) {
          void peer.request(subscriptions[live.topic].unsubscribe, [id]).catch(() => undefined);
          return;
        }
        live.id = id;
        this.byId.set(id, live);
      });
    } catch (error) {
      if (error instanceof RpcError) this.refuse(live, error);
    }
  }

  private deliver(method: string, params: unknown): void {
    const { subscription, result } = params as { subscription: string | number; result: { epoch: string; seq: number } };
    const live = this.byId.get(subscription);
    if (live === undefined || subscriptions[live.topic].notification !== method) return;
    live.since = { epoch: result.epoch, seq: result.seq };
    live.onItem(result as never);
  }

  private end(live: Live): void {
    if (!this.live.delete(live) || live.id === undefined) return;
    const { id, topic } = live;
    this.byId.delete(id);
    if (this.connection.state.is !== "connected") return;
    this.connection.connected().then(
      (peer) => peer.request(subscriptions[topic].unsubscribe, [id]).catch(() => undefined),
      () => undefined,
    );
  }

  private refuse(live: Live, error: unknown): void {
    if (!this.live.delete(live)) return;
    if (live.id !== undefined) this.byId.delete(live.id);
    live.onRefused(error instanceof Error ? error : new Error(String(error)));
  }
}
