/** The status item's menu, Show Log, Refresh and Cancel. */
import * as vscode from "vscode";
import { Cancelled } from "../failure";
import type { Session } from "../session";
import type { ContainersView } from "../views/containers";
import { register } from "./register";

export function registerActions(session: Session, view: ContainersView): void {
  register(session, "gangplank.showLog", () => {
    session.log.show(true);
    return Promise.resolve();
  }, { untrusted: true });
  register(session, "gangplank.refresh", () => {
    view.refresh();
    return Promise.resolve();
  });
  register(session, "gangplank.cancelOperation", () => session.operations.cancel());
  register(session, "gangplank.showActions", async () => {
    const { state } = session.attachment;
    const action = (icon: string, label: string, command: string) => ({ label: `$(${icon}) ${label}`, command });
    const items = [
      ...(state.is === "attached" ? [action("terminal", vscode.l10n.t("New Container Terminal"), "gangplank.newTerminal")] : []),
      ...(state.is === "restricted" ? [action("shield", vscode.l10n.t("Manage Workspace Trust"), "workbench.trust.manage")] : []),
      ...(state.is === "stopped" ? [action("debug-start", state.removed ? vscode.l10n.t("Open the Container Again") : vscode.l10n.t("Start Container"), "gangplank.start")] : []),
      ...(state.is === "failed" ? [action("debug-restart", vscode.l10n.t("Retry"), "gangplank.retry")] : []),
      action("home", vscode.l10n.t("Reopen Locally"), "gangplank.reopenLocally"),
      ...(state.is === "restricted" ? [] : [action("refresh", vscode.l10n.t("Rebuild Container"), "gangplank.rebuild")]),
      ...(state.is === "attached" ? [action("debug-stop", vscode.l10n.t("Stop Container"), "gangplank.stop")] : []),
      action("output", vscode.l10n.t("Show Log"), "gangplank.showLog"),
    ];
    const picked = await vscode.window.showQuickPick(items, { title: "Gangplank" });
    if (picked === undefined) throw new Cancelled("nothing chosen");
    await vscode.commands.executeCommand(picked.command);
  }, { untrusted: true });
}
