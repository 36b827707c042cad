/** Opening a folder's container, as commands and the attached window need it. */
import type { Operation, Question, WorkspaceSelector, WorkspaceUpParams, WorkspaceUpResult } from "gangplank-protocol";
import * as vscode from "vscode";
import type { Attached } from "./attachment";
import { requestKey } from "./client";
import { clientEnvironment } from "./environment";
import { OperationFailed, dataOf } from "./failure";
import { resultOf } from "./operation";
import { isGoing, type OperationModel } from "./operation-model";
import { sharedPaths } from "./paths";
import { answerQuestion } from "./question";
import { isUntrusted, type Session } from "./session";
import { settings } from "./settings";

export function selectorOf(folder: string): WorkspaceSelector {
  return { workspaceFolder: folder, idLabels: [] };
}

export interface OpenOptions {
  /** Remove the container and make it anew. */
  rebuild?: boolean;
  /** Get the image again. */
  pull?: boolean;
  /** The hash of host effects that were just agreed to. */
  consented?: string | undefined;
}

/** Brings the folder's container up, with progress and questions. */
export async function open(session: Session, folder: string, title: string, options: OpenOptions = {}): Promise<WorkspaceUpResult> {
  return resultOf(await begin(session, folder, title, options)) as unknown as WorkspaceUpResult;
}

/**
 * The same until only `postAttachCommand` is left, which is the window's own: it may go on for as long as that is open.
 * Gives the operation, for the window to go on with.
 */
export async function openForWindow(session: Session, folder: string, title: string, options: OpenOptions): Promise<string> {
  const attaches = ({ steps }: OperationModel): boolean => steps.some(({ step }) => step === "postAttachCommand");
  return (await begin(session, folder, title, options, attaches)).operationId;
}

/** Goes on with what another window has begun; nothing when the daemon no longer knows it, or it was given up. */
export async function goOn(session: Session, operationId: string, title: string): Promise<WorkspaceUpResult | undefined> {
  try {
    let operation = await session.daemon.client.call("operation/get", { operationId });
    if (!isGoing(operation)) session.operations.show(operation);
    else operation = await session.operations.follow(title, { operationId, joined: true }, (question) => answerQuestion(question));
    if (operation.state === "failed") throw new OperationFailed(operation);
    return operation.state === "succeeded" ? (resultOf(operation) as unknown as WorkspaceUpResult) : undefined;
  } catch (error) {
    if (dataOf(error)?.kind === "notFound") return undefined;
    throw error;
  }
}

async function begin(session: Session, folder: string, title: string, options: OpenOptions, enough?: (model: OperationModel) => boolean): Promise<Operation> {
  if (isUntrusted()) throw new Error("a folder that is not trusted is not opened in a container");
  const params: WorkspaceUpParams = {
    workspace: selectorOf(folder),
    trust: "ask",
    interactive: true,
    clientEnvironment: clientEnvironment(process.env),
    removeExistingContainer: false,
    expectExistingContainer: false,
    pull: options.pull ?? false,
    skipPostCreate: false,
    skipNonBlockingCommands: false,
    skipPostAttach: false,
    mounts: [],
    remoteEnvironment: [],
    mountWorkspaceGitRoot: true,
    includeConfiguration: false,
    requestKey: requestKey(),
  };
  const started = await session.daemon.client.call(options.rebuild === true ? "workspace/rebuild" : "workspace/up", params);
  const answer = (question: Question) => answerQuestion(question, options.consented);
  return session.operations.follow(title, started, answer, enough);
}

/** The folder's container as it runs, hooks done or not; nothing when it does not run. */
export async function running(session: Session, folder: string): Promise<WorkspaceUpResult | undefined> {
  const { workspace, remoteUser, remoteWorkspaceFolder } = await session.daemon.client.call("workspace/inspect", { workspace: selectorOf(folder) });
  const { engine, containerId, state } = workspace.container;
  if (state !== "running") return undefined;
  return { engine, workspaceFolder: folder, containerId, remoteUser, remoteWorkspaceFolder, created: false };
}

/**
 * Proves that a terminal works in the container. Throws `untrusted` when the configuration reads what was not allowed
 * for it.
 */
export async function probe(session: Session, folder: string): Promise<void> {
  const { exit, output } = await session.daemon.client.runToEnd({
    target: { type: "workspace", workspace: selectorOf(folder) },
    argv: ["/bin/sh", "-c", ":"],
    tty: true,
    interactive: true,
    detach: false,
    environment: {},
    trust: "refuse",
    size: { columns: 80, rows: 24 },
    clientEnvironment: clientEnvironment(process.env),
    requestKey: requestKey(),
  });
  if (exit.code !== 0) throw new Error(vscode.l10n.t("A terminal in the container does not work: {0}", exit.message ?? output.trim()));
}

/** Does something in the container; where leave is missing, it is asked for first. */
export async function withLeave<T>(session: Session, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (dataOf(error)?.kind !== "untrusted") throw error;
    await open(session, folder, vscode.l10n.t("Opening the container"));
    return work();
  }
}

/** Proves that a terminal works in the container, and tells all that the attached window needs to know of it. */
export async function inspect(session: Session, folder: string, up: WorkspaceUpResult): Promise<Attached> {
  const { client } = session.daemon;
  await probe(session, folder);
  const details = await client.call("container/inspect", { engine: up.engine, container: up.containerId });
  return {
    folder,
    engine: up.engine,
    containerId: up.containerId,
    containerName: details.name,
    image: details.image,
    remoteUser: up.remoteUser,
    remoteWorkspaceFolder: up.remoteWorkspaceFolder,
    shared: sharedPaths({ host: folder, container: up.remoteWorkspaceFolder }, details.mounts),
  };
}

/** Arguments that come before a verb of the program. */
export function globalArguments(): string[] {
  const context = settings.dockerContext();
  return context === "" ? [] : ["--context", context];
}
