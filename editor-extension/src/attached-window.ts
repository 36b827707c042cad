/**
 * The attached window's life: it brings its container up when it opens, says that it is attached once a terminal
 * works there, and offers a rebuild when the configuration changes.
 */
import type { WorkspaceUpResult } from "gangplank-protocol";
import * as vscode from "vscode";
import type { Subscription } from "./client";
import { Cancelled, OperationFailed, dataOf, headline, lines } from "./failure";
import { isUntrusted, type Session } from "./session";
import { globalArguments, inspect, open, selectorOf, type OpenOptions } from "./workspace";

export class AttachedWindow implements vscode.Disposable {
  private watch: Subscription | undefined;
  private attaching: Promise<void> | undefined;
  private asked = false;

  constructor(private readonly session: Session) {}

  /** The folder of this window, when the window is one of ours. */
  get folder(): string | undefined {
    if (!this.session.windows.isOurs(vscode.workspace.workspaceFile)) return undefined;
    return vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  }

  /** Attaches, or does so again; while it runs, joins it. */
  attach(options: OpenOptions & { title?: string } = {}): Promise<void> {
    this.attaching ??= this.tryToAttach(options).finally(() => {
      this.attaching = undefined;
    });
    return this.attaching;
  }

  dispose(): void {
    this.watch?.end();
  }

  private async tryToAttach(options: OpenOptions & { title?: string }): Promise<void> {
    const { folder } = this;
    const { attachment, log } = this.session;
    if (folder === undefined) return;
    if (isUntrusted()) {
      await attachment.become({ is: "restricted" });
      return;
    }
    await attachment.become({ is: "attaching" });
    try {
      const program = await this.session.daemon.program();
      const { up, failed } = await this.openAnyway(folder, options);
      const attached = await inspect(this.session, folder, up);
      await this.session.windows.write({ folder, program: program.path, globalArguments: globalArguments(), containerName: attached.containerName });
      await attachment.become({ is: "attached", to: attached });
      log.info(`attached to ${attached.containerName} as ${attached.remoteUser} in ${attached.remoteWorkspaceFolder}`);
      this.follow(folder);
      if (failed !== undefined) void this.complain(failed);
    } catch (error) {
      await attachment.become({ is: "failed", error });
      if (!(error instanceof Cancelled)) void this.complain(error);
    }
  }

  /** A failing hook leaves a container in which its cause can be found, so the window attaches all the same. */
  private async openAnyway(folder: string, options: OpenOptions & { title?: string }): Promise<{ up: WorkspaceUpResult; failed?: unknown }> {
    try {
      return { up: await open(this.session, folder, options.title ?? vscode.l10n.t("Opening the container"), options) };
    } catch (error) {
      if (dataOf(error)?.kind !== "lifecycleFailed") throw error;
      const details = await this.session.daemon.client.call("workspace/inspect", { workspace: selectorOf(folder) });
      const { container } = details.workspace;
      if (container.state !== "running") throw error;
      const { remoteUser, remoteWorkspaceFolder } = details;
      const up = { engine: container.engine, workspaceFolder: folder, containerId: container.containerId, remoteUser, remoteWorkspaceFolder, created: false };
      return { up, failed: error };
    }
  }

  private async complain(error: unknown): Promise<void> {
    const { log } = this.session;
    for (const line of lines(error)) log.error(line);
    const retry = error instanceof OperationFailed && dataOf(error)?.kind === "lifecycleFailed" ? vscode.l10n.t("Rebuild") : vscode.l10n.t("Retry");
    const show = vscode.l10n.t("Show Log");
    const local = vscode.l10n.t("Reopen Locally");
    const chosen = await vscode.window.showErrorMessage(headline(error), retry, show, local);
    if (chosen === retry) await this.attach({ rebuild: retry === vscode.l10n.t("Rebuild") });
    else if (chosen === show) await vscode.commands.executeCommand("gangplank.showLog");
    else if (chosen === local) await vscode.commands.executeCommand("gangplank.reopenLocally");
  }

  /** Offers a rebuild when a configuration file changed; one offer at a time. */
  private follow(folder: string): void {
    this.watch?.end();
    this.watch = this.session.daemon.client.subscribe(
      "watch/subscribe",
      { workspaceFolder: folder, all: false },
      ({ event }) => {
        if (event.type === "configurationChanged") void this.offerRebuild(event.paths);
        else if (event.type === "degraded") this.session.log.warn(event.reason);
      },
      (error) => {
        this.session.log.warn(`changes of the configuration are not seen: ${error.message}`);
      },
    );
  }

  private async offerRebuild(paths: string[]): Promise<void> {
    if (this.asked) return;
    this.asked = true;
    try {
      const rebuild = vscode.l10n.t("Rebuild Container");
      const chosen = await vscode.window.showInformationMessage(
        vscode.l10n.t("{0} changed. The container is as it was until it is rebuilt.", paths.join(", ")),
        rebuild,
        vscode.l10n.t("Not Now"),
      );
      if (chosen === rebuild) await vscode.commands.executeCommand("gangplank.rebuild");
    } finally {
      this.asked = false;
    }
  }
}
