/** New Container Terminal, and Attach to Running Container. */
import * as vscode from "vscode";
import type { AttachedWindow } from "../attached-window";
import { Cancelled, dataOf } from "../failure";
import { plain } from "../plain";
import { chooseFolder, type Session } from "../session";
import { openShell, openShellIn } from "../terminals";
import { folderOf } from "../views/containers";
import { waitFor } from "../tell";
import { open, selectorOf } from "../workspace";
import { register } from "./register";

export function registerTerminalCommands(session: Session, window: AttachedWindow): void {
  const { client } = session.daemon;

  register(session, "gangplank.newTerminal", async (item) => {
    const folder = folderOf(item) ?? window.folder ?? (await chooseFolder(vscode.l10n.t("A terminal in which folder's container?"))).uri.fsPath;
    await ensureUp(session, folder);
    (await openShell(session, folder)).show();
  }, { retry: true });

  register(session, "gangplank.attachToContainer", async () => {
    const listed = client.call("container/list", { all: false, labels: [] });
    const { engine, containers } = await waitFor(session.log, vscode.l10n.t("Asking the engine for its containers"), listed);
    if (containers.length === 0) throw new Error(vscode.l10n.t("No container runs on {0}.", engine));
    const picked = await vscode.window.showQuickPick(
      containers.map((each) => ({ label: plain(each.name), description: plain(each.image), detail: plain(each.status), id: each.id })),
      { title: vscode.l10n.t("Attach to which running container?"), placeHolder: vscode.l10n.t("A terminal opens in it"), matchOnDescription: true },
    );
    if (picked === undefined) throw new Cancelled("no container chosen");
    (await openShellIn(session, picked.id, picked.label)).show();
  }, { retry: true });
}

/** Makes sure that the folder's container runs; where it does, nothing is shown. */
export async function ensureUp(session: Session, folder: string): Promise<void> {
  try {
    const { phase } = await session.daemon.client.call("workspace/inspect", { workspace: selectorOf(folder) });
    if (phase === "running") return;
  } catch (error) {
    if (dataOf(error)?.kind !== "notFound") throw error;
  }
  await open(session, folder, vscode.l10n.t("Opening the container"));
}
