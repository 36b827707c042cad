/** Stop, Start, Remove: the container of this window's folder, or the one of the view's item. */
import * as vscode from "vscode";
import type { AttachedWindow } from "../attached-window";
import { requestKey } from "../client";
import { Cancelled } from "../failure";
import { chooseFolder, type Session } from "../session";
import { ask, waitFor } from "../tell";
import { selectorOf } from "../workspace";
import { folderOf, type ContainersView } from "../views/containers";
import { register } from "./register";

export function registerContainerCommands(session: Session, window: AttachedWindow, view: ContainersView): void {
  const { client } = session.daemon;
  const subject = async (item: unknown): Promise<string> =>
    folderOf(item) ?? window.folder ?? (await chooseFolder(vscode.l10n.t("Which folder's container?"))).uri.fsPath;

  register(session, "gangplank.stop", async (item) => {
    const folder = await subject(item);
    const stopped = client.call("workspace/stop", { workspace: selectorOf(folder), requestKey: requestKey() });
    await waitFor(session.log, vscode.l10n.t("Stopping the container"), folder === window.folder ? window.change(stopped) : stopped);
    if (folder === window.folder) await session.attachment.become({ is: "stopped", removed: false });
    view.refresh();
  }, { retry: true });

  register(session, "gangplank.start", async (item) => {
    const folder = await subject(item);
    const title = vscode.l10n.t("Starting the container");
    if (folder === window.folder) {
      await window.attach({ title });
      return;
    }
    const { workspace } = await client.call("workspace/inspect", { workspace: selectorOf(folder) });
    const { engine, containerId } = workspace.container;
    await waitFor(session.log, title, client.call("container/start", { engine, container: containerId, requestKey: requestKey() }));
    view.refresh();
  }, { retry: true });

  register(session, "gangplank.remove", async (item) => {
    const folder = await subject(item);
    const remove = vscode.l10n.t("Remove Container");
    const detail = vscode.l10n.t("The folder stays as it is. What was installed in the container is gone.");
    const chosen = await ask("warning", vscode.l10n.t("Remove the container of {0}?", folder), detail, remove);
    if (chosen !== remove) throw new Cancelled("not removed");
    const removed = client.call("workspace/remove", { workspace: selectorOf(folder), requestKey: requestKey() });
    await waitFor(session.log, vscode.l10n.t("Removing the container"), folder === window.folder ? window.change(removed) : removed);
    if (folder === window.folder) await session.attachment.become({ is: "stopped", removed: true });
    view.refresh();
  }, { retry: true });
}
