/** Add Dev Container Configuration: a first configuration, by what the folder holds. */
import * as vscode from "vscode";
import { clientEnvironment } from "../environment";
import { Cancelled } from "../failure";
import { plain } from "../plain";
import { chooseFolder, type Session } from "../session";
import { tell, waitFor } from "../tell";
import { selectorOf } from "../workspace";
import { register } from "./register";

export function registerConfigureCommand(session: Session): void {
  register(session, "gangplank.addConfiguration", async () => {
    const { uri, name } = await chooseFolder(vscode.l10n.t("Which folder gets a dev container configuration?"));
    const asked = session.daemon.client.call("workspace/plan", { workspace: selectorOf(uri.fsPath), clientEnvironment: clientEnvironment(process.env) });
    const plan = await waitFor(session.log, vscode.l10n.t("Looking at the folder"), asked);
    const [present] = plan.configurations;
    if (present !== undefined) {
      await vscode.window.showTextDocument(vscode.Uri.file(present));
      void tell("information", vscode.l10n.t("{0} has a dev container configuration already.", name));
      return;
    }
    const picked = await vscode.window.showQuickPick(
      plan.offers.map((offer) => ({ label: plain(offer.title), description: plain(offer.image), detail: plain(offer.reason), offer })),
      { title: vscode.l10n.t("Which image suits {0}?", name) },
    );
    if (picked === undefined) throw new Cancelled("no image chosen");
    const { configuration } = await session.daemon.client.call("workspace/configure", { workspace: selectorOf(uri.fsPath), offer: picked.offer.id });
    const file = vscode.Uri.file(configuration);
    await vscode.window.showTextDocument(file);
    const reopen = vscode.l10n.t("Reopen in Container");
    const chosen = await tell("information", vscode.l10n.t("The configuration is written."), reopen);
    if (chosen === reopen) await vscode.commands.executeCommand("gangplank.reopenInContainer");
  }, { retry: true });
}
