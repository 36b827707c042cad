/** Activation: everything is made here, wired once, and nothing waits for the daemon. */
import * as vscode from "vscode";
import { AttachedWindow } from "./attached-window";
import { Attachment, type Attached } from "./attachment";
import { registerActions } from "./commands/actions";
import { registerConfigureCommand } from "./commands/configure";
import { registerContainerCommands } from "./commands/container";
import { registerRunCommand } from "./commands/run";
import { registerTerminalCommands } from "./commands/terminal";
import { registerWindowCommands } from "./commands/window";
import { Daemon } from "./daemon";
import { tellEndedTerminals } from "./ended";
import { registerLinks } from "./links";
import { Operations } from "./operation";
import { offerToReopen } from "./prompt";
import { isUntrusted, type Session } from "./session";
import { registerTasks } from "./tasks";
import { TerminalLife } from "./terminal-life";
import { ContainersView } from "./views/containers";
import { OperationView } from "./views/operation";
import { WindowFiles } from "./window-file";

/** What other extensions may use. */
export interface Api {
  readonly version: 1;
  /** The container that this window works in, if it does. */
  attached(): Attached | undefined;
}

export function activate(context: vscode.ExtensionContext): Api {
  const begun = performance.now();
  const log = vscode.window.createOutputChannel("Gangplank", { log: true });
  const daemon = new Daemon(context, log);
  const attachment = new Attachment();
  const operations = new Operations(daemon.client, log);
  const session: Session = { context, log, daemon, operations, attachment, windows: new WindowFiles(context.globalStorageUri) };
  const window = new AttachedWindow(session);
  const containers = new ContainersView(session);
  const terminals = new TerminalLife(session, window);
  let reopened = false;
  context.subscriptions.push(log, daemon, attachment, operations, window, containers, terminals, new OperationView(operations));
  context.subscriptions.push(registerTasks(session), registerLinks(attachment), tellEndedTerminals(daemon));
  registerWindowCommands(session, window);
  registerContainerCommands(session, window, containers, terminals);
  registerTerminalCommands(session, window);
  registerRunCommand(session);
  registerConfigureCommand(session);
  registerActions(session, containers);

  const begin = (): void => {
    const { workspaceFile, workspaceFolders } = vscode.workspace;
    if (window.folder !== undefined) void window.attach();
    else if (workspaceFile !== undefined && session.windows.isOurs(workspaceFile) && (workspaceFolders?.length ?? 0) === 0) {
      log.info("the window came without its folder; its file is read again");
      session.windows.readAgain(workspaceFile).catch((error: unknown) => {
        log.warn(String(error));
      });
    }
    else if (!isUntrusted()) {
      offerToReopen(session).catch((error: unknown) => {
        log.warn(`the container was not offered: ${String(error)}`);
      });
    }
  };
  context.subscriptions.push(
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      containers.refresh();
      begin();
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => {
      if (attachment.state.is === "local") begin();
    }),
    attachment.onChange((state) => {
      containers.refresh();
      if (state.is !== "attached" || reopened) return;
      reopened = true;
      terminals.reopenLiving().catch((error: unknown) => {
        log.warn(`terminals were not opened again: ${String(error)}`);
      });
    }),
    vscode.window.onDidChangeWindowState(({ focused }) => {
      if (focused) void window.look();
    }),
  );
  begin();
  log.info(`activated in ${(performance.now() - begun).toFixed(0)} ms`);
  return { version: 1, attached: () => attachment.attached };
}
