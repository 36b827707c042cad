/** Opening a folder's container, as commands and the attached window need it. */
import type { Question, WorkspaceSelector, WorkspaceUpParams, WorkspaceUpResult } from "gangplank-protocol";
import * as vscode from "vscode";
import type { Attached } from "./attachment";
import { requestKey } from "./client";
import { clientEnvironment } from "./environment";
import { resultOf } from "./operation";
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
  /** The window comes later, and with it `postAttachCommand`. */
  beforeWindow?: boolean;
  /** The hash of host effects that were just agreed to. */
  consented?: string | undefined;
}

/** Brings the folder's container up, with progress and questions. */
export async function open(session: Session, folder: string, title: string, options: OpenOptions = {}): Promise<WorkspaceUpResult> {
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
    skipPostAttach: options.beforeWindow ?? false,
    mounts: [],
    remoteEnvironment: [],
    mountWorkspaceGitRoot: true,
    includeConfiguration: false,
    requestKey: requestKey(),
  };
  const started = await session.daemon.client.call(options.rebuild === true ? "workspace/rebuild" : "workspace/up", params);
  const answer = (question: Question) => answerQuestion(question, options.consented);
  const operation = await session.operations.follow(title, started, answer);
  return resultOf(operation) as unknown as WorkspaceUpResult;
}

/** The folder's container as it runs, hooks done or not; nothing when it does not run. */
export async function running(session: Session, folder: string): Promise<WorkspaceUpResult | undefined> {
  const { workspace, remoteUser, remoteWorkspaceFolder } = await session.daemon.client.call("workspace/inspect", { workspace: selectorOf(folder) });
  const { engine, containerId, state } = workspace.container;
  if (state !== "running") return undefined;
  return { engine, workspaceFolder: folder, containerId, remoteUser, remoteWorkspaceFolder, created: false };
}

/** Proves that a terminal works in the container, and tells all that the attached window needs to know of it. */
export async function inspect(session: Session, folder: string, up: WorkspaceUpResult): Promise<Attached> {
  const { client } = session.daemon;
  const probe = await client.runToEnd({
    engine: up.engine,
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
  if (probe.exit.code !== 0) {
    throw new Error(vscode.l10n.t("A terminal in the container does not work: {0}", probe.exit.message ?? probe.output.trim()));
  }
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
