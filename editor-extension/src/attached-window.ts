/**
 * The attached window's life: it brings its container up when it opens, says that it is attached once a terminal
 * works there, and offers a rebuild when the configuration changes.
 */
import type { WorkspaceUpResult } from "gangplank-protocol";
import * as vscode from "vscode";
import type { Subscription } from "./client";
import { complain } from "./complaint";
import { Cancelled, dataOf } from "./failure";
import { isUntrusted, type Session } from "./session";
import { globalArguments, inspect, open, running, type OpenOptions } from "./workspace";

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
      if (isUntrusted()) {
        void this.askForTrust();
        return;
      }
      // trust came while that was being said, and whoever said it has joined this attempt
    }
    await attachment.become({ is: "attaching" });
    try {
      const program = await this.session.daemon.program();
      const { up, failed } = await this.openAnyway(folder, options);
      const attached = await inspect(this.session, folder, up);
      await this.session.windows.write({ folder, program: program.path, globalArguments: globalArguments(), containerName: attached.containerName });
      if (!(await terminalsRun(program.path))) log.warn("the editor's default terminal is not the container's; New Container Terminal opens one");
      await attachment.become({ is: "attached", to: attached });
      log.info(`attached to ${attached.containerName} as ${attached.remoteUser} in ${attached.remoteWorkspaceFolder}`);
      this.follow(folder);
      if (failed !== undefined) this.complain(failed);
    } catch (error) {
      await attachment.become({ is: "failed", error });
      if (!(error instanceof Cancelled)) this.complain(error);
    }
  }

  /** The editor asks by itself, unless its settings say that it does not: then nobody would. */
  private async askForTrust(): Promise<void> {
    if (vscode.workspace.getConfiguration("security.workspace.trust").get<string>("startupPrompt") !== "never") return;
    const manage = vscode.l10n.t("Manage Workspace Trust");
    const chosen = await vscode.window.showWarningMessage(
      vscode.l10n.t("This window is for a container, but it is in Restricted Mode: nothing runs in the container until you trust it."),
      manage,
    );
    if (chosen === manage) await vscode.commands.executeCommand("workbench.trust.manage");
  }

  /** A failing hook leaves a container in which its cause can be found, so the window attaches all the same. */
  private async openAnyway(folder: string, options: OpenOptions & { title?: string }): Promise<{ up: WorkspaceUpResult; failed?: unknown }> {
    try {
      return { up: await open(this.session, folder, options.title ?? vscode.l10n.t("Opening the container"), options) };
    } catch (error) {
      if (dataOf(error)?.kind !== "lifecycleFailed") throw error;
      const up = await running(this.session, folder);
      if (up === undefined) throw error;
      return { up, failed: error };
    }
  }

  private complain(error: unknown): void {
    // hooks that failed count as having run, so that only another container runs them again
    const rebuild = dataOf(error)?.kind === "lifecycleFailed";
    const label = rebuild ? vscode.l10n.t("Rebuild Container") : vscode.l10n.t("Retry");
    void complain(this.session, error, [{ label, run: () => this.attach({ rebuild }) }]);
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

/** How long the editor may take to make the window's profile its default one, in milliseconds. */
const profileTimeout = 10_000;

/**
 * Waits until the editor's own terminals run this program: it takes the window's settings over some time after trust
 * was given, and until then a new terminal would be on the host. False when that does not come.
 */
async function terminalsRun(program: string): Promise<boolean> {
  if (vscode.env.shell === program) return true;
  return new Promise((resolve) => {
    const changed = vscode.env.onDidChangeShell((shell) => {
      if (shell === program) done(true);
    });
    const timer = setTimeout(() => {
      done(vscode.env.shell === program);
    }, profileTimeout);
    const done = (so: boolean): void => {
      clearTimeout(timer);
      changed.dispose();
      resolve(so);
    };
  });
}
