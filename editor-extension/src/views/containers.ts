/** The view of dev containers: every workspace that has one, with its state and what can be done. */
import type { Workspace } from "gangplank-protocol";
import { basename, dirname } from "node:path";
import * as vscode from "vscode";
import { headline } from "../failure";
import { plain } from "../plain";
import { isUntrusted, type Session } from "../session";

/** An item of the view, as commands get it. */
class WorkspaceItem {
  constructor(
    readonly workspace: Workspace,
    readonly current: boolean,
  ) {}
}

/** The folder of an item of the view; nothing for anything else. */
export function folderOf(item: unknown): string | undefined {
  return item instanceof WorkspaceItem ? item.workspace.workspaceFolder : undefined;
}

export class ContainersView implements vscode.TreeDataProvider<WorkspaceItem>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly tree: vscode.TreeView<WorkspaceItem>;

  constructor(private readonly session: Session) {
    this.tree = vscode.window.createTreeView("gangplank.containers", { treeDataProvider: this });
    // the list is asked for when it is looked at, not kept up behind its back
    this.tree.onDidChangeVisibility(({ visible }) => {
      if (visible) this.refresh();
    });
  }

  refresh(): void {
    this.changed.fire(undefined);
  }

  async getChildren(parent?: WorkspaceItem): Promise<WorkspaceItem[]> {
    if (parent !== undefined || isUntrusted()) return [];
    try {
      const { workspaces } = await this.session.daemon.client.call("workspace/list", {});
      delete this.tree.message;
      // not before it is known: what an empty view says would have the focus, and take it along when the list comes
      await vscode.commands.executeCommand("setContext", "gangplank.noContainers", workspaces.length === 0);
      const current = this.session.attachment.attached?.containerId;
      return workspaces.map((workspace) => new WorkspaceItem(workspace, workspace.container.containerId === current));
    } catch (error) {
      this.tree.message = plain(headline(error));
      return [];
    }
  }

  getTreeItem({ workspace, current }: WorkspaceItem): vscode.TreeItem {
    const { container, workspaceFolder } = workspace;
    const running = container.state === "running";
    // a label of a container says what the folder is, and anybody can make one
    const name = plain(basename(workspaceFolder));
    const item = new vscode.TreeItem(name);
    item.id = container.containerId;
    const state = stateText(container.state);
    const image = plain(container.image);
    const here = current ? [vscode.l10n.t("this window")] : [];
    item.description = `${here[0] ?? state} · ${image}`;
    item.tooltip = `${plain(workspaceFolder)}\n${plain(container.name)} (${state})\n${image}`;
    item.iconPath = new vscode.ThemeIcon(running ? "vm-running" : "vm-outline");
    item.contextValue = running ? "workspace.running" : "workspace.stopped";
    item.accessibilityInformation = { label: [name, ...here, state, image, plain(dirname(workspaceFolder))].join(", ") };
    return item;
  }

  dispose(): void {
    this.tree.dispose();
    this.changed.dispose();
  }
}

/** The engine's word for a container's state, for people. */
function stateText(state: string): string {
  switch (state) {
    case "running":
      return vscode.l10n.t("running");
    case "exited":
      return vscode.l10n.t("stopped");
    case "created":
      return vscode.l10n.t("not started");
    case "paused":
      return vscode.l10n.t("paused");
    default:
      return plain(state);
  }
}
