/** What commands and views share: one of each, made at activation. */
import * as vscode from "vscode";
import type { Attachment } from "./attachment";
import type { Daemon } from "./daemon";
import { Cancelled, Refused } from "./failure";
import type { Operations } from "./operation";
import { tell } from "./tell";
import type { WindowFiles } from "./window-file";

export interface Session {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  daemon: Daemon;
  operations: Operations;
  attachment: Attachment;
  windows: WindowFiles;
}

/** True while nothing of the repository may run. */
export function isUntrusted(): boolean {
  return !vscode.workspace.isTrusted;
}

/** Refuses in a window that is not trusted. Menus hide what would be refused; this is what holds. */
export async function requireTrust(): Promise<void> {
  if (!isUntrusted()) return;
  const manage = vscode.l10n.t("Manage Workspace Trust");
  const chosen = await tell(
    "warning",
    vscode.l10n.t("This window is in Restricted Mode: Gangplank runs nothing of a folder that you do not trust."),
    manage,
  );
  if (chosen === manage) await vscode.commands.executeCommand("workbench.trust.manage");
  throw new Cancelled("not trusted");
}

/** True in a window that is wholly in another container. */
export function isInsideContainer(): boolean {
  const remote = vscode.env.remoteName;
  return remote !== undefined && ["dev-container", "attached-container", "codespaces", "k8s-container"].includes(remote);
}

/** Refuses in a window that is wholly in another container already. */
export function requireOwnMachine(): void {
  if (!isInsideContainer()) return;
  throw new Refused(
    vscode.l10n.t("This window is already inside a container ({0}). Reopen the folder locally first, then reopen it with Gangplank.", String(vscode.env.remoteName)),
  );
}

/** The folder a command is about: the only one, or the one chosen. */
export async function chooseFolder(title: string): Promise<vscode.WorkspaceFolder> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === "file");
  const [first, ...others] = folders;
  if (first === undefined) throw new Error(vscode.l10n.t("No folder of this machine is open."));
  if (others.length === 0) return first;
  const picked = await vscode.window.showQuickPick(
    folders.map((folder) => ({ label: folder.name, description: folder.uri.fsPath, folder })),
    { title },
  );
  if (picked === undefined) throw new Cancelled("no folder chosen");
  return picked.folder;
}
