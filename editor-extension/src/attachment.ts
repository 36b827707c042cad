/**
 * What this window is: local, or attached to a container and how that stands. The one owner of that state; context
 * keys and the status item follow it.
 */
import type { EngineId } from "gangplank-protocol";
import * as vscode from "vscode";
import type { Shared } from "./paths";

/** A container that this window works in. */
export interface Attached {
  /** The folder on the host. */
  folder: string;
  engine: EngineId;
  containerId: string;
  containerName: string;
  image: string;
  remoteUser: string;
  remoteWorkspaceFolder: string;
  /** What host and container share. */
  shared: readonly Shared[];
}

export type WindowState =
  | { is: "local" }
  /** A window for a container in which nothing may run, because it is not trusted. */
  | { is: "restricted" }
  | { is: "attaching" }
  | { is: "attached"; to: Attached }
  /** The container does not run, or is gone; nothing failed. */
  | { is: "stopped"; removed: boolean }
  | { is: "failed"; error: unknown };

export class Attachment implements vscode.Disposable {
  private current: WindowState = { is: "local" };
  private readonly changed = new vscode.EventEmitter<WindowState>();
  readonly onChange = this.changed.event;
  private readonly item: vscode.StatusBarItem;

  constructor() {
    this.item = vscode.window.createStatusBarItem("gangplank.container", vscode.StatusBarAlignment.Left, 100);
    this.item.name = vscode.l10n.t("Gangplank: container");
    this.item.command = "gangplank.showActions";
  }

  get state(): WindowState {
    return this.current;
  }

  get attached(): Attached | undefined {
    return this.current.is === "attached" ? this.current.to : undefined;
  }

  async become(state: WindowState): Promise<void> {
    this.current = state;
    this.draw();
    await vscode.commands.executeCommand("setContext", "gangplank.attached", state.is === "attached");
    await vscode.commands.executeCommand("setContext", "gangplank.window", state.is !== "local");
    this.changed.fire(state);
  }

  dispose(): void {
    this.item.dispose();
    this.changed.dispose();
  }

  private draw(): void {
    const { text, tooltip, spoken } = this.describe();
    if (text === undefined) {
      this.item.hide();
      return;
    }
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: spoken, role: "button" };
    this.item.show();
  }

  private describe(): { text: string | undefined; tooltip: string; spoken: string } {
    const said = (icon: string, text: string, tooltip: string) => ({ text: `$(${icon}) ${text}`, tooltip, spoken: `${text}. ${tooltip}` });
    switch (this.current.is) {
      case "local":
        return { text: undefined, tooltip: "", spoken: "" };
      case "restricted":
        return said("shield", vscode.l10n.t("Not attached"), vscode.l10n.t("This window is not trusted: nothing runs in the container."));
      case "attaching":
        return said("sync~spin", vscode.l10n.t("Attaching…"), vscode.l10n.t("The container is being opened."));
      case "failed":
        return said("warning", vscode.l10n.t("Not attached"), vscode.l10n.t("The container could not be opened. Click for what can be done."));
      case "stopped":
        return this.current.removed
          ? said("circle-slash", vscode.l10n.t("Container removed"), vscode.l10n.t("The container of this window is gone. Click to make it anew."))
          : said("debug-stop", vscode.l10n.t("Container stopped"), vscode.l10n.t("The container of this window does not run. Click to start it."));
      case "attached": {
        const { containerName, image, remoteUser, remoteWorkspaceFolder } = this.current.to;
        const where = vscode.l10n.t("Terminals and runs are in the container, as {0} in {1} (image {2}). Files and extensions are on this machine.", remoteUser, remoteWorkspaceFolder, image);
        return said("package", containerName, where);
      }
    }
  }
}
