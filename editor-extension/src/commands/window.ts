/** Reopen in Container, Reopen Locally, Rebuild, Retry, and opening another workspace's folder. */
import * as vscode from "vscode";
import type { AttachedWindow } from "../attached-window";
import { complain } from "../complaint";
import { Cancelled, dataOf } from "../failure";
import { consentTo } from "../prompt";
import { chooseFolder, requireOwnMachine, type Session } from "../session";
import { globalArguments, openForWindow, running, selectorOf } from "../workspace";
import { folderOf } from "../views/containers";
import { register } from "./register";

export function registerWindowCommands(session: Session, window: AttachedWindow): void {
  const title = vscode.l10n.t("Opening the container");

  register(session, "gangplank.reopenInContainer", async (chosen) => {
    requireOwnMachine();
    if (window.folder !== undefined) {
      await window.attach();
      return;
    }
    const uri = chosen instanceof vscode.Uri ? chosen : (await chooseFolder(vscode.l10n.t("Which folder is to be reopened in its container?"))).uri;
    await enter(session, uri.fsPath, title);
  }, { retry: true });

  register(session, "gangplank.openFolder", async (item) => {
    requireOwnMachine();
    const folder = folderOf(item);
    if (folder === undefined) throw new Cancelled("no workspace named");
    await enter(session, folder, title);
  }, { retry: true });

  register(session, "gangplank.reopenLocally", async () => {
    const { folder } = window;
    if (folder === undefined) throw new Error(vscode.l10n.t("This window is local already."));
    await vscode.commands.executeCommand("vscode.openFolder", vscode.Uri.file(folder), { forceReuseWindow: true });
  }, { untrusted: true });

  const rebuild = async (pull: boolean): Promise<void> => {
    requireOwnMachine();
    const title = pull ? vscode.l10n.t("Rebuilding the container without cache") : vscode.l10n.t("Rebuilding the container");
    if (window.folder !== undefined) {
      await window.attach({ rebuild: true, pull, title });
      return;
    }
    const folder = (await chooseFolder(vscode.l10n.t("Which folder's container is to be rebuilt?"))).uri.fsPath;
    await enter(session, folder, title, { rebuild: true, pull });
  };
  register(session, "gangplank.rebuild", () => rebuild(false), { retry: true });
  register(session, "gangplank.rebuildWithoutCache", () => rebuild(true), { retry: true });
  register(session, "gangplank.retry", () => window.attach());
}

/** Brings the container up, then turns this window into the attached one. */
async function enter(session: Session, folder: string, title: string, options: { rebuild?: boolean; pull?: boolean } = {}): Promise<void> {
  const consented = await consentTo(session, folder);
  try {
    await become(session, folder, await openForWindow(session, folder, title, { ...options, consented }));
  } catch (error) {
    if (dataOf(error)?.kind !== "lifecycleFailed" || (await running(session, folder)) === undefined) throw error;
    // the container is there, and in it the cause can be looked for; its hooks count as having run, so that only
    // another container runs them again
    void complain(session, error, [
      { label: vscode.l10n.t("Rebuild Container"), run: () => enter(session, folder, title, { ...options, rebuild: true }) },
      { label: vscode.l10n.t("Open Anyway"), run: () => become(session, folder, undefined) },
    ]);
  }
}

/** @param operationId what the attached window goes on with; without it, with the container as it is */
async function become(session: Session, folder: string, operationId: string | undefined): Promise<void> {
  const program = await session.daemon.program();
  const { workspace } = await session.daemon.client.call("workspace/inspect", { workspace: selectorOf(folder) });
  const file = await session.windows.write({ folder, program: program.path, globalArguments: globalArguments(), containerName: workspace.container.name });
  await session.windows.leaveEntered(folder, { operationId });
  await vscode.commands.executeCommand("vscode.openFolder", file, { forceReuseWindow: true });
}
