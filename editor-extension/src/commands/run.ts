/** Run Python File in Container: the file as it is in the editor, in a terminal that stays. */
import * as vscode from "vscode";
import { clientEnvironment } from "../environment";
import { Cancelled } from "../failure";
import { sharedPaths, toContainer, type Shared } from "../paths";
import { quoted } from "../quote";
import type { Session } from "../session";
import { openShell } from "../terminals";
import { waitFor } from "../tell";
import { selectorOf, withLeave } from "../workspace";
import { register } from "./register";
import { ensureUp } from "./terminal";

/** Prints the interpreter's name; fails where there is none. */
const findPython = "command -v python3 >/dev/null && echo python3 || { command -v python >/dev/null && echo python; }";
/** How long a new shell may take to show its prompt before the command is typed all the same, in milliseconds. */
const promptTimeout = 5000;

export function registerRunCommand(session: Session): void {
  const terminals = new Map<string, vscode.Terminal>();
  const interpreters = new Map<string, string>();
  session.context.subscriptions.push(
    vscode.window.onDidCloseTerminal((closed) => {
      for (const [folder, terminal] of terminals) if (terminal === closed) terminals.delete(folder);
    }),
  );

  register(session, "gangplank.runPythonFile", async (resource) => {
    const file = await savedFile(resource);
    const folder = vscode.workspace.getWorkspaceFolder(file)?.uri.fsPath;
    if (folder === undefined) throw new Error(vscode.l10n.t("{0} is in no folder of this window, so the container does not have it.", file.fsPath));
    await ensureUp(session, folder);
    const place = await placeOf(session, folder);
    const path = toContainer(place.shared, file.fsPath);
    if (path === undefined) throw new Error(vscode.l10n.t("The container does not have {0}.", file.fsPath));
    const python = interpreters.get(place.containerId) ?? (await withLeave(session, folder, () => interpreter(session, folder)));
    interpreters.set(place.containerId, python);
    let terminal = terminals.get(folder);
    if (terminal === undefined || terminal.exitStatus !== undefined) {
      terminal = await shellWithPrompt(session, folder, place.containerId);
      terminals.set(folder, terminal);
    }
    terminal.show(true);
    terminal.sendText(`${python} ${quoted(path)}`);
  }, { retry: true });
}

/** The file of the Run button, the Explorer's menu or the editor on show, saved. */
async function savedFile(resource: unknown): Promise<vscode.Uri> {
  const uri = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
  if (uri?.scheme !== "file") throw new Error(vscode.l10n.t("No Python file of this machine is open."));
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
  if (document?.isDirty === true && !(await document.save())) throw new Cancelled("not saved");
  return uri;
}

async function placeOf(session: Session, folder: string): Promise<{ containerId: string; shared: readonly Shared[] }> {
  const attached = session.attachment.attached;
  if (attached?.folder === folder) return attached;
  const { client } = session.daemon;
  const { workspace, remoteWorkspaceFolder } = await client.call("workspace/inspect", { workspace: selectorOf(folder) });
  const { engine, containerId } = workspace.container;
  const { mounts } = await client.call("container/inspect", { engine, container: containerId });
  return { containerId, shared: sharedPaths({ host: folder, container: remoteWorkspaceFolder }, mounts) };
}

async function interpreter(session: Session, folder: string): Promise<string> {
  const run = session.daemon.client.run({
    target: { type: "workspace", workspace: selectorOf(folder) },
    argv: ["/bin/sh", "-c", findPython],
    environment: {},
    trust: "refuse",
    clientEnvironment: clientEnvironment(process.env),
  });
  const { exit, output } = await waitFor(session.log, vscode.l10n.t("Looking for Python in the container"), run);
  if (exit.code !== 0) throw new Error(vscode.l10n.t("The container has neither python3 nor python on its PATH."));
  return output.trim();
}

/** A new shell that has shown its prompt: what is typed before that would be shown twice. */
async function shellWithPrompt(session: Session, folder: string, containerId: string): Promise<vscode.Terminal> {
  const { client } = session.daemon;
  const processes = async () => (await client.call("process/list", { containerId })).processes.filter((each) => each.tty);
  const before = new Set((await processes()).map((each) => each.processId));
  const terminal = await openShell(session, folder, "Python");
  terminal.show(true);
  const end = Date.now() + promptTimeout;
  while (Date.now() < end && terminal.exitStatus === undefined) {
    if ((await processes()).some((each) => !before.has(each.processId) && each.outputBytes > 0)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return terminal;
}
