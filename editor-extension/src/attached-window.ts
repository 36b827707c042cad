/**
 * The attached window's life: it brings its container up when it opens, says that it is attached once a terminal
 * works there, and offers a rebuild when the configuration changes.
 */
import type { WorkspaceContainer, WorkspaceUpResult } from "gangplank-protocol";
import * as vscode from "vscode";
import { again, complain } from "./complaint";
import { ConfigurationWatch } from "./configuration-watch";
import { Cancelled, dataOf } from "./failure";
import { isUntrusted, type Session } from "./session";
import { tell } from "./tell";
import { profileName } from "./window-file";
import { globalArguments, goOn, inspect, open, running, selectorOf, type OpenOptions } from "./workspace";

export class AttachedWindow implements vscode.Disposable {
  private watch: ConfigurationWatch | undefined;
  private attaching: Promise<void> | undefined;
  private looking: Promise<void> | undefined;

  constructor(private readonly session: Session) {}

  /** The folder of this window, when the window is one of ours. */
  get folder(): string | undefined {
    if (!this.session.windows.isOurs(vscode.workspace.workspaceFile)) return undefined;
    return vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  }

  /**
   * Attaches, or does so again; while that is being done, joins it. A rebuild takes the place of what is being done:
   * that is cancelled first, since it is for a container that goes.
   */
  attach(options: OpenOptions & { title?: string } = {}): Promise<void> {
    const before = this.attaching;
    if (before !== undefined && options.rebuild !== true) return before;
    const mine = this.after(before, options).finally(() => {
      if (this.attaching === mine) this.attaching = undefined;
    });
    this.attaching = mine;
    return mine;
  }

  /** Looks whether the container still runs, as after a terminal ended or the window got the focus again. */
  look(): Promise<void> {
    if (this.looking !== undefined) return this.looking;
    const look = this.compare()
      .catch((error: unknown) => {
        this.session.log.debug(`the container was not looked at: ${String(error)}`);
      })
      .finally(() => {
        if (this.looking === look) this.looking = undefined;
      });
    this.looking = look;
    return look;
  }

  /** Waits for something that this window itself does to the container: what comes of it is no news, so nobody looks. */
  change<T>(work: Promise<T>): Promise<T> {
    const over = work
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        if (this.looking === over) this.looking = undefined;
      });
    this.looking = over;
    return work;
  }

  /** Says it when new terminals are refused for want of leave. */
  async tellMissingLeave(): Promise<void> {
    await this.watch?.tellMissingLeave();
  }

  dispose(): void {
    this.watch?.dispose();
  }

  private async after(before: Promise<void> | undefined, options: OpenOptions & { title?: string }): Promise<void> {
    if (before !== undefined) {
      await this.session.operations.cancel().catch((error: unknown) => {
        this.session.log.warn(`what is being done was not cancelled: ${String(error)}`);
      });
      await before;
    }
    await this.tryToAttach(options);
  }

  private async compare(): Promise<void> {
    const { folder } = this;
    const { attachment } = this.session;
    const was = attachment.state;
    if (folder === undefined || (was.is !== "attached" && was.is !== "stopped")) return;
    const now = await this.containerNow(folder);
    // an attempt that began meanwhile knows better
    if (attachment.state !== was) return;
    if (now?.state === "running") {
      if (was.is === "stopped" || was.to.containerId !== now.containerId) await this.attach();
    } else if (was.is === "attached" || was.removed !== (now === undefined)) {
      await attachment.become({ is: "stopped", removed: now === undefined });
      if (was.is === "attached") void this.tellStopped(now === undefined);
    }
  }

  /** Somebody else stopped it, so this is news. */
  private async tellStopped(removed: boolean): Promise<void> {
    const start = removed ? vscode.l10n.t("Open the Container Again") : vscode.l10n.t("Start Container");
    const text = removed ? vscode.l10n.t("The container of this window was removed; its terminals ended.") : vscode.l10n.t("The container of this window was stopped; its terminals ended.");
    if ((await tell("warning", text, start)) === start && this.session.attachment.state.is === "stopped") await this.attach();
  }

  private async containerNow(folder: string): Promise<WorkspaceContainer | undefined> {
    try {
      return (await this.session.daemon.client.call("workspace/inspect", { workspace: selectorOf(folder) })).workspace.container;
    } catch (error) {
      if (dataOf(error)?.kind === "notFound") return undefined;
      throw error;
    }
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
      await this.follow(folder);
      if (failed !== undefined) this.complain(failed, options);
    } catch (error) {
      await attachment.become({ is: "failed", error });
      if (!(error instanceof Cancelled)) this.complain(error, options);
    }
  }

  /**
   * The editor asks by itself, or shows a banner, unless its settings say that it does neither: then nobody would. The
   * message cannot be taken back once the window is trusted.
   */
  private async askForTrust(): Promise<void> {
    const settings = vscode.workspace.getConfiguration("security.workspace.trust");
    if (["startupPrompt", "banner"].some((name) => settings.get<string>(name) !== "never")) return;
    const manage = vscode.l10n.t("Manage Workspace Trust");
    const chosen = await tell(
      "warning",
      vscode.l10n.t("This window is for a container, but it is in Restricted Mode: nothing runs in the container until you trust it."),
      manage,
    );
    if (chosen === manage) await vscode.commands.executeCommand("workbench.trust.manage");
  }

  /**
   * A failing hook leaves a container in which its cause can be found, and a rebuild that failed early the one of before,
   * so the window attaches all the same.
   */
  private async openAnyway(folder: string, options: OpenOptions & { title?: string }): Promise<{ up: WorkspaceUpResult; failed?: unknown }> {
    const title = options.title ?? vscode.l10n.t("Opening the container");
    try {
      const begun = options.rebuild === true ? undefined : await this.enter(folder, title);
      return { up: begun ?? (await open(this.session, folder, title, options)) };
    } catch (error) {
      const rebuilding = options.rebuild === true && !(error instanceof Cancelled);
      if (!rebuilding && dataOf(error)?.kind !== "lifecycleFailed") throw error;
      const up = await running(this.session, folder).catch(() => undefined);
      if (up === undefined) throw error;
      return { up, failed: error };
    }
  }

  /**
   * Takes over from the window that became this one, which has opened the container a moment ago: what that did once,
   * as `initializeCommand`, is not done again. Nothing when there was none, or the container does not run any more.
   */
  private async enter(folder: string, title: string): Promise<WorkspaceUpResult | undefined> {
    const entered = await this.session.windows.takeEntered(folder);
    if (entered === undefined) return undefined;
    const now = await running(this.session, folder).catch(() => undefined);
    if (now === undefined || entered.operationId === undefined) return now;
    const up = await goOn(this.session, entered.operationId, title);
    return up?.containerId === now.containerId ? up : undefined;
  }

  private complain(error: unknown, options: OpenOptions & { title?: string }): void {
    // hooks that failed count as having run, so that only another container runs them again
    const rebuild = dataOf(error)?.kind === "lifecycleFailed";
    const remedy = rebuild
      ? { label: vscode.l10n.t("Rebuild Container"), run: () => this.attach({ rebuild }) }
      : again(error, () => this.attach(options));
    void complain(this.session, error, [remedy]);
  }

  /** Has changes of the configuration told. */
  private async follow(folder: string): Promise<void> {
    this.watch?.dispose();
    this.watch = new ConfigurationWatch(this.session, folder, () => this.attach());
    try {
      await this.watch.begin();
    } catch (error) {
      this.session.log.warn(`changes of the configuration are not seen: ${String(error)}`);
    }
  }
}

/** How long the editor may take to make the window's profile its default one, in milliseconds. */
const profileTimeout = 10_000;
/** How long, once its settings have it; it does not always tell. */
const settled = 3000;

/**
 * Waits until the editor's own terminals run this program: it takes the window's settings over some time after trust
 * was given, and until then a new terminal would be on the host. False when that does not come.
 */
async function terminalsRun(program: string): Promise<boolean> {
  if (vscode.env.shell === program) return true;
  return new Promise((resolve) => {
    const done = (so: boolean): void => {
      for (const timer of timers) clearTimeout(timer);
      for (const listener of listeners) listener.dispose();
      resolve(so);
    };
    const timers = [
      setTimeout(() => {
        done(false);
      }, profileTimeout),
    ];
    const look = (): void => {
      if (vscode.env.shell === program) done(true);
      else if (timers.length === 1 && isDefault(program)) {
        timers.push(
          setTimeout(() => {
            done(true);
          }, settled),
        );
      }
    };
    const listeners = [vscode.env.onDidChangeShell(look), vscode.workspace.onDidChangeConfiguration(look)];
    look();
  });
}

/** True when the window's settings make this program the default terminal. */
function isDefault(program: string): boolean {
  const platform = process.platform === "darwin" ? "osx" : "linux";
  const settings = vscode.workspace.getConfiguration("terminal.integrated");
  const name = settings.get<string>(`defaultProfile.${platform}`);
  const profiles = settings.get<Record<string, { path?: unknown } | null>>(`profiles.${platform}`) ?? {};
  return name === profileName && profiles[name]?.path === program;
}
