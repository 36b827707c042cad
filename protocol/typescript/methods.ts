// Generated from protocol/src by `cargo generate`; do not edit.

import type * as types from "./types";

/** Every method: its parameters and its result. */
export interface Methods {
  /**
   * Begins a connection: versions are compared, and the client's environment decides which engine is its own.
   * It comes first; a client that does not call it has no engine of its own and must name one in each request.
   */
  "daemon/hello": { params: types.DaemonHelloParams; result: types.DaemonHelloResult };
  /** Tells how the daemon does and what keeps it busy. */
  "daemon/status": { params: types.Empty; result: types.DaemonStatus };
  /** Ends the daemon: running operations become `interrupted`, streams are closed, containers go on. */
  "daemon/shutdown": { params: types.Empty; result: types.Empty };
  /** Tells what an engine is and can do. */
  "engine/info": { params: types.EngineInfoParams; result: types.EngineInfo };
  /** Lists the engine's images. */
  "image/list": { params: types.ImageListParams; result: types.ImageListResult };
  /**
   * Gets an image from its registry. The operation's progress tells bytes layer by layer; its result is an
   * `ImagePullResult`.
   */
  "image/pull": { params: types.ImagePullParams; result: types.OperationStarted };
  /** Removes an image. */
  "image/remove": { params: types.ImageRemoveParams; result: types.ImageRemoveResult };
  /**
   * Makes a container and starts it, getting the image first where it is missing. The operation's result is a
   * `ContainerRunResult`.
   */
  "container/run": { params: types.ContainerRunParams; result: types.OperationStarted };
  /** Lists containers. */
  "container/list": { params: types.ContainerListParams; result: types.ContainerListResult };
  /** Tells everything about one container. */
  "container/inspect": { params: types.ContainerParams; result: types.ContainerDetails };
  /** Starts a container that does not run. */
  "container/start": { params: types.ContainerParams; result: types.ContainerChanged };
  /** Stops a container: its stop signal, then after the time allowed a kill. */
  "container/stop": { params: types.ContainerStopParams; result: types.ContainerChanged };
  /** Removes a container. */
  "container/remove": { params: types.ContainerRemoveParams; result: types.ContainerChanged };
  /** Opens a stream with what the container's main process wrote. */
  "container/logs": { params: types.ContainerLogsParams; result: types.ContainerLogsResult };
  /** Tells what `workspace/up` would start from, and changes nothing. */
  "workspace/plan": { params: types.WorkspacePlanParams; result: types.WorkspacePlanResult };
  /** Writes a first configuration for a folder that has none, with an image that the plan offers. */
  "workspace/configure": { params: types.WorkspaceConfigureParams; result: types.WorkspaceConfigureResult };
  /**
   * Opens the folder in its container: finds or makes it, starts it, runs its hooks. The operation's result is a
   * `WorkspaceUpResult`. While it runs, the same request joins it.
   */
  "workspace/up": { params: types.WorkspaceUpParams; result: types.OperationStarted };
  /**
   * Removes the workspace's container and makes it anew; `pull` gets the image again. The operation's result is a
   * `WorkspaceUpResult`.
   */
  "workspace/rebuild": { params: types.WorkspaceUpParams; result: types.OperationStarted };
  /** Lists the workspaces that have a container. */
  "workspace/list": { params: types.WorkspaceListParams; result: types.WorkspaceListResult };
  /** Tells how one workspace stands. */
  "workspace/inspect": { params: types.WorkspaceParams; result: types.WorkspaceDetails };
  /** Stops the workspace's container. */
  "workspace/stop": { params: types.WorkspaceParams; result: types.WorkspaceChanged };
  /** Removes the workspace's container. The folder stays as it is. */
  "workspace/remove": { params: types.WorkspaceParams; result: types.WorkspaceChanged };
  /** Tells how an operation stands; also one of an earlier life of the daemon. */
  "operation/get": { params: types.OperationParams; result: types.Operation };
  /** Cancels an operation; one that is over stays as it is. */
  "operation/cancel": { params: types.OperationParams; result: types.Operation };
  /** Answers the question of an operation in state `needsInput`. */
  "operation/answer": { params: types.OperationAnswerParams; result: types.Operation };
  /** Starts a process in a workspace or container. */
  "process/start": { params: types.ProcessStartParams; result: types.ProcessStarted };
  /**
   * Attaches to a process, from the first byte this client lacks. One whose output died with an earlier daemon
   * is refused with `notResumable`.
   */
  "process/attach": { params: types.ProcessAttachParams; result: types.ProcessAttachResult };
  /** Sends a signal to a process. */
  "process/signal": { params: types.ProcessSignalParams; result: types.Empty };
  /** Lists the processes started through this daemon. */
  "process/list": { params: types.ProcessListParams; result: types.ProcessListResult };
  /** Closes a process: its terminal hangs up, and what is left of its session is killed after 2 s. */
  "process/close": { params: types.ProcessCloseParams; result: types.ProcessCloseResult };
}

/** Every subscription, by the method that begins it: its parameters and its items. */
export interface Subscriptions {
  /** Follows an operation, from its first item or from the last one seen. */
  "operation/subscribe": { params: types.OperationSubscribeParams; item: types.Sequenced<types.OperationEvent> };
  /** Follows the file changes of a workspace's folder. */
  "watch/subscribe": { params: types.WatchSubscribeParams; item: types.Sequenced<types.WatchEvent> };
}

/** For each subscription the method that ends it and the notification that carries its items. */
export const subscriptions = {
  "operation/subscribe": { unsubscribe: "operation/unsubscribe", notification: "operation/event" },
  "watch/subscribe": { unsubscribe: "watch/unsubscribe", notification: "watch/event" },
} as const satisfies Record<keyof Subscriptions, { unsubscribe: string; notification: string }>;

/** The version of the protocol that this package was generated from. */
export const protocolVersion: types.ProtocolVersion = { major: 1, minor: 0 };

/** The JSON-RPC error number of each kind of error. */
export const errorNumbers: Record<types.ErrorKind, number> = {
  /** The parameters do not fit the method. */
  invalidParams: -32602,
  /** A defect in the daemon: the request failed, nothing else did. */
  internal: -32603,
  /** No engine answers, or the one asked for does not; `tried` in the causes names each attempt. */
  engineUnavailable: 1001,
  /** The engine refused or failed for a reason that has no kind of its own. */
  engineFailed: 1002,
  /** What the request names (container, image, workspace, process, operation, stream) does not exist. */
  notFound: 1003,
  /** The request contradicts the present state (a name or port in use, an image still needed). */
  conflict: 1004,
  /** The registry has no such image, or does not show it to this user. */
  imageNotFound: 1005,
  /** The registry could not be reached. */
  registryUnreachable: 1006,
  /** The registry wants credentials. */
  authenticationRequired: 1007,
  /** The folder has no dev container configuration; `offers` in the details lists images that suit it. */
  configurationNotFound: 1010,
  /** The folder has several configurations and none was chosen; the details list them. */
  configurationAmbiguous: 1011,
  /** The configuration cannot be used; the details hold each problem with line and column. */
  configurationInvalid: 1012,
  /** The configuration asks for something that changes the container and is not applied yet. */
  notApplied: 1013,
  /** The configuration reaches the host and was not trusted; the details list every effect. */
  untrusted: 1014,
  /** A lifecycle hook failed; `step` names it. */
  lifecycleFailed: 1015,
  /** The workspace folder on this machine is not the one the engine would mount. */
  workspaceNotOnEngine: 1016,
  /** The container's state does not allow the request (not running, paused, being removed). */
  containerState: 1017,
  /** The program to run does not exist or may not be executed in the container. */
  commandNotExecutable: 1018,
  /** The operation was cancelled. */
  cancelled: 1020,
  /** The daemon ended while the operation ran. */
  interrupted: 1021,
  /** It did not happen in the time allowed. */
  timeout: 1022,
  /** The process ended with the daemon that started it, or its output is gone: it cannot be attached to. */
  notResumable: 1030,
  /** Too much at once: calls in flight, subscriptions, connections or streams of this client. */
  busy: 1031,
  /** The same `requestKey` came with other parameters. */
  requestKeyConflict: 1032,
  /** Client and daemon do not speak the same major protocol version. */
  protocolVersionMismatch: 1033,
  /** The operation is not waiting for this answer. */
  notAsked: 1034,
  /** What was asked for cannot be done with this engine or on this machine. */
  unsupported: 1035,
  /** The file could not be read or written. */
  io: 1036,
};
