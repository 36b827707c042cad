/** Stop, Start, Remove: the container of this window's folder, or the one of the view's item. */
import * as vscode from "vscode";
import type { AttachedWindow } from "../attached-window";
import { requestKey } from "../client";
import { Cancelled } from "../failure";
import { chooseFolder, type Session } from "../session";
import { selectorOf } from "../workspace";
import { folderOf, type ContainersView } from "../views/containers";
import { register } from "./register";

export function registerContainerCommands(session: Session, window: AttachedWindow, view: ContainersView): void {
  const { client } = session.daemon;
  const subject = async (item: unknown): Promise<string> =>
    folderOf(item) ?? window.folder ?? (await chooseFolder(vscode.l10n.t("Which folder's container?"))).uri.fsPath;

  register(session, "gangplank.stop", async (item) => {
    const folder = await subject(item);
    await busy(vscode.l10n.t("Stopping the container"), () => client.call("workspace/stop", { workspace: selectorOf(folder), requestKey: requestKey() }));
    if (folder === window.folder) await session.attachment.become({ is: "failed", error: new Error(vscode.l10n.t("The container was stopped.")) });
    view.refresh();
  }, { retry: true });

  register(session, "gangplank.start", async (item) => {
    const folder = await subject(item);
    const { workspace } = await client.call("workspace/inspect", { workspace: selectorOf(folder) });
    const { engine, containerId } = workspace.container;
    await busy(vscode.l10n.t("Starting the container"), () => client.call("container/start", { engine, container: containerId, requestKey: requestKey() }));
    view.refresh();
  }, { retry: true });

  register(session, "gangplank.remove", async (item) => {
    const folder = await subject(item);
    const remove = vscode.l10n.t("Remove Container");
    const chosen = await vscode.window.showWarningMessage(
      vscode.l10n.t("Remove the container of {0}?", folder),
      { modal: true, detail: vscode.l10n.t("The folder stays as it is. What was installed in the container is gone.") },
      remove,
    );
    if (chosen !== remove) throw new Cancelled("not removed");
    await busy(vscode.l10n.t("Removing the container"), () => client.call("workspace/remove", { workspace: selectorOf(folder), requestKey: requestKey() }));
    if (folder === window.folder) await session.attachment.become({ is: "failed", error: new Error(vscode.l10n.t("The container was removed.")) });
    view.refresh();
  }, { retry: true });
}

function busy<T>(title: string, work: () => Promise<T>): Thenable<T> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, work);
}
