/** Stop, Start, Remove: the container of this window's folder, or the one of the view's item. */
import * as vscode from "vscode";
import type { AttachedWindow } from "../attached-window";
import { requestKey } from "../client";
import { Cancelled } from "../failure";
import { chooseFolder, type Session } from "../session";
import { ask, waitFor } from "../tell";
import type { TerminalLife } from "../terminal-life";
import { selectorOf } from "../workspace";
import { folderOf, type ContainersView } from "../views/containers";
import { register } from "./register";

export function registerContainerCommands(session: Session, window: AttachedWindow, view: ContainersView, terminals: TerminalLife): void {
  const { client } = session.daemon;
  /** Does what ends the container of a folder; of this window's own its terminals are closed first. */
  const end = async (folder: string, title: string, method: "workspace/stop" | "workspace/remove"): Promise<void> => {
    const { attached } = session.attachment;
    if (attached?.folder === folder) await terminals.closeThoseIn(attached.containerId);
    const ended = client.call(method, { workspace: selectorOf(folder), requestKey: requestKey() });
    try {
      await waitFor(session.log, title, folder === window.folder ? window.change(ended) : ended);
    } catch (error) {
      // nobody waits any more for what the daemon goes on with, so it is looked for when that is over
      if (error instanceof Cancelled) void window.look().then(() => window.look());
      throw error;
    }
    if (folder === window.folder) await session.attachment.become({ is: "stopped", removed: method === "workspace/remove" });
    view.refresh();
  };
  const subject = async (item: unknown): Promise<string> =>
    folderOf(item) ?? window.folder ?? (await chooseFolder(vscode.l10n.t("Which folder's container?"))).uri.fsPath;

  register(session, "gangplank.stop", async (item) => {
    await end(await subject(item), vscode.l10n.t("Stopping the container"), "workspace/stop");
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
    await end(folder, vscode.l10n.t("Removing the container"), "workspace/remove");
  }, { retry: true });
}
