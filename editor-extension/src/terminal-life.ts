/**
 * What becomes of a container's process when its terminal goes. A terminal that the user closes ends its process; one
 * that goes with the window leaves it running, and the next window on the folder opens it again.
 *
 * The program of a terminal hangs up without knowing why, so it leaves its process running each time; only the editor
 * tells the reason. The daemon tells which program has a process, by its process id, which is the terminal's.
 */
import type { Process } from "gangplank-protocol";
import * as vscode from "vscode";
import { requestKey } from "./client";
import type { Session } from "./session";
import { tell } from "./tell";
import { isOurs, reopen } from "./terminals";
import type { OpenTerminal } from "./window-file";

/** The exit code of the program when leave for what the configuration reads is missing. */
const untrusted = 4;

/** What the window does when a terminal of it ended. */
export interface Concerned {
  folder: string | undefined;
  /** Looks whether the container still runs. */
  look(): Promise<void>;
  /** Says it when new terminals are refused for want of leave. */
  tellMissingLeave(): Promise<void>;
}

export class TerminalLife implements vscode.Disposable {
  private readonly pids = new Map<vscode.Terminal, number>();
  private readonly parts: vscode.Disposable[];
  /** Changes of what is remembered, one after the other. */
  private writing = Promise.resolve();

  constructor(
    private readonly session: Session,
    private readonly window: Concerned,
  ) {
    this.parts = [
      vscode.window.onDidOpenTerminal((terminal) => {
        this.settle(this.opened(terminal));
      }),
      vscode.window.onDidCloseTerminal((terminal) => {
        this.settle(this.closed(terminal));
      }),
    ];
    for (const terminal of vscode.window.terminals) this.settle(this.opened(terminal));
  }

  /** Opens again what still runs and has no terminal, and says what ended while no window was there. */
  async reopenLiving(): Promise<void> {
    const { folder } = this.window;
    if (folder === undefined) return;
    const remembered = await this.session.windows.openTerminals(folder);
    const present = await Promise.all(vscode.window.terminals.map((terminal) => terminal.processId));
    const gone = remembered.filter(({ pid }) => !present.includes(pid));
    if (gone.length === 0) return;
    const { processes } = await this.session.daemon.client.call("process/list", {});
    const ended: string[] = [];
    for (const { pid, name } of gone) {
      const process = newest(processes, pid);
      if (process === undefined) ended.push(name);
      // one that somebody has on another screen stays there
      else if (process.clients > 0) continue;
      else (await reopen(this.session, process.processId, name)).show(true);
      await this.remember(folder, (all) => all.filter((each) => each.pid !== pid));
    }
    if (ended.length === 0) return;
    const another = vscode.l10n.t("New Container Terminal");
    const chosen = await tell("information", vscode.l10n.t("These terminals of the container ended while no window was open: {0}", ended.join(", ")), another);
    if (chosen === another) await vscode.commands.executeCommand("gangplank.newTerminal");
  }

  /** Closes the terminals that are in a container, as before it is stopped: they would end with an error otherwise. */
  async closeThoseIn(containerId: string): Promise<void> {
    const { processes } = await this.session.daemon.client.call("process/list", { containerId });
    for (const [terminal, pid] of this.pids) if (newest(processes, pid) !== undefined) terminal.dispose();
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }

  private async opened(terminal: vscode.Terminal): Promise<void> {
    const pid = await terminal.processId;
    if (pid === undefined || terminal.exitStatus !== undefined) return;
    this.pids.set(terminal, pid);
    const { folder } = this.window;
    if (folder === undefined || !isOurs(terminal)) return;
    await this.remember(folder, (all) => [...all.filter((each) => each.pid !== pid), { pid, name: terminal.name }]);
  }

  private async closed(terminal: vscode.Terminal): Promise<void> {
    const pid = this.pids.get(terminal) ?? (await terminal.processId);
    this.pids.delete(terminal);
    const status = terminal.exitStatus;
    // goes with the window, and may come back with it
    if (pid === undefined || status?.reason === vscode.TerminalExitReason.Shutdown) return;
    const { folder } = this.window;
    if (folder !== undefined) await this.remember(folder, (all) => all.filter((each) => each.pid !== pid));
    if (status?.reason === vscode.TerminalExitReason.User || status?.reason === vscode.TerminalExitReason.Extension) {
      await this.end(terminal, pid);
    } else if (isOurs(terminal)) {
      await this.window.look();
      if (status?.code === untrusted) await this.window.tellMissingLeave();
    }
  }

  private async end(terminal: vscode.Terminal, pid: number): Promise<void> {
    const { client } = this.session.daemon;
    // no daemon is started to find out that it has no such process
    if (client.connection.state.is !== "connected" && !isOurs(terminal)) return;
    const process = newest((await client.call("process/list", {})).processes, pid);
    if (process === undefined) return;
    const { remaining } = await client.call("process/close", { processId: process.processId, requestKey: requestKey() });
    this.session.log.info(`${terminal.name}: its process was ended${remaining.length === 0 ? "" : `, these go on: ${remaining.join(", ")}`}`);
  }

  private remember(folder: string, change: (all: OpenTerminal[]) => OpenTerminal[]): Promise<void> {
    this.writing = this.writing.then(() => this.session.windows.changeOpenTerminals(folder, change)).catch(this.log);
    return this.writing;
  }

  private settle(work: Promise<void>): void {
    work.catch(this.log);
  }

  private readonly log = (error: unknown): void => {
    this.session.log.warn(String(error));
  };
}

/** The process that a program has or had on its terminal. Numbers of programs are used again: the newest counts. */
function newest(processes: readonly Process[], pid: number): Process | undefined {
  return processes.findLast((each) => each.clientPid === pid && each.tty && each.exit === undefined);
}
