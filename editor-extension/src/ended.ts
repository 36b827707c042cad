/**
 * Says which terminals ended with a daemon. While processes are started through the engine, a terminal lives as long as
 * the daemon that started it; the editor then only tells an exit code.
 */
import * as vscode from "vscode";
import type { ConnectionState } from "./connection";
import type { Daemon } from "./daemon";
import { tell } from "./tell";
import { isOurs } from "./terminals";

/** How long after a daemon's end terminals that end count as ended with it, in milliseconds. */
const together = 5000;
/** How long more of them are waited for before it is said. */
const settled = 500;

export function tellEndedTerminals(daemon: Daemon): vscode.Disposable {
  let epoch: string | undefined;
  let restarted = 0;
  let lost = 0;
  let names: string[] = [];
  let timer: NodeJS.Timeout | undefined;

  const say = async (): Promise<void> => {
    const ended = names;
    names = [];
    const again = vscode.l10n.t("New Container Terminal");
    const chosen = await tell("warning", vscode.l10n.t("The daemon was restarted. These terminals ended with it: {0}", ended.join(", ")), again);
    if (chosen === again) await vscode.commands.executeCommand("gangplank.newTerminal");
  };
  const look = (): void => {
    clearTimeout(timer);
    if (names.length === 0 || Date.now() - restarted > together) return;
    timer = setTimeout(() => void say(), settled);
  };
  const onState = (state: ConnectionState): void => {
    if (state.is === "idle") lost = Date.now();
    if (state.is !== "connected") return;
    if (epoch !== undefined && epoch !== state.hello.epoch) restarted = Date.now();
    epoch = state.hello.epoch;
    look();
  };
  const closed = vscode.window.onDidCloseTerminal((terminal) => {
    const status = terminal.exitStatus;
    if (status?.reason !== vscode.TerminalExitReason.Process || status.code === 0 || !isOurs(terminal)) return;
    // the terminal may be gone before the connection to the next daemon is there, and the other way round
    if (Date.now() - Math.max(restarted, lost) > together) names = [];
    names.push(terminal.name);
    look();
  });
  daemon.client.connection.onState = onState;
  return new vscode.Disposable(() => {
    clearTimeout(timer);
    closed.dispose();
  });
}
