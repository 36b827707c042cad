/**
 * Terminals in containers. They are real ones whose program is the CLI: these have flow control, take every byte, and
 * keep process and screen over a reload of the window, which terminals owned by an extension do not.
 */
import * as vscode from "vscode";
import type { Session } from "./session";
import { profileName } from "./window-file";
import { globalArguments } from "./workspace";

/** A shell in a folder's container. */
export async function openShell(session: Session, folder: string, name = profileTitle()): Promise<vscode.Terminal> {
  return terminal(session, name, ["shell", "--workspace-folder", folder], folder);
}

/** A shell in any container. */
export async function openShellIn(session: Session, containerId: string, name: string): Promise<vscode.Terminal> {
  return terminal(session, name, ["shell", "--container-id", containerId], undefined);
}

/** A process that runs already, in a terminal again. */
export async function reopen(session: Session, processId: string, name: string): Promise<vscode.Terminal> {
  return terminal(session, name, ["attach", processId], undefined);
}

/** True for a terminal whose program is the CLI; of one that came back after a reload only the name is known. */
export function isOurs(terminal: vscode.Terminal): boolean {
  const options = terminal.creationOptions;
  const path = "shellPath" in options ? options.shellPath : undefined;
  return path === undefined ? terminal.name === profileName : /(^|\/)gangplank$/.test(path);
}

function profileTitle(): string {
  return vscode.l10n.t("Container");
}

async function terminal(session: Session, name: string, verb: string[], cwd: string | undefined): Promise<vscode.Terminal> {
  const program = await session.daemon.program();
  return vscode.window.createTerminal({
    name,
    shellPath: program.path,
    shellArgs: [...globalArguments(), ...verb],
    iconPath: new vscode.ThemeIcon("package"),
    ...(cwd === undefined ? {} : { cwd }),
  });
}
