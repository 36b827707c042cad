/** The view of the running or last operation: its steps, how each stands and how long it took. */
import type { Step, StepStatus } from "gangplank-protocol";
import * as vscode from "vscode";
import type { Operations } from "../operation";
import { plain } from "../plain";

const icons: Record<StepStatus, string> = {
  running: "sync~spin",
  succeeded: "pass",
  failed: "error",
  skipped: "circle-slash",
  cancelled: "circle-slash",
};

export class OperationView implements vscode.TreeDataProvider<Step>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly parts: { dispose(): unknown }[];

  constructor(private readonly operations: Operations) {
    this.parts = [
      vscode.window.createTreeView("gangplank.operation", { treeDataProvider: this }),
      operations.onChange(() => {
        this.changed.fire(undefined);
      }),
      this.changed,
    ];
  }

  getChildren(parent?: Step): Step[] {
    return parent === undefined ? (this.operations.latest?.steps ?? []) : [];
  }

  getTreeItem(step: Step): vscode.TreeItem {
    const item = new vscode.TreeItem(plain(step.title));
    item.iconPath = step.status === "failed" ? new vscode.ThemeIcon("error", new vscode.ThemeColor("list.errorForeground")) : new vscode.ThemeIcon(icons[step.status]);
    item.description = this.describe(step);
    item.tooltip = `${step.step}: ${statusText(step.status)}`;
    item.accessibilityInformation = { label: `${plain(step.title)}, ${statusText(step.status)}, ${this.describe(step)}` };
    item.command = { command: "gangplank.showLog", title: vscode.l10n.t("Show Log") };
    return item;
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }

  private describe(step: Step): string {
    if (step.status === "running") {
      const percent = this.operations.latest?.percent(step.step);
      return percent === undefined ? "" : vscode.l10n.t("{0} %", percent);
    }
    const code = step.exitCode === undefined || step.exitCode === 0 ? "" : ` · ${vscode.l10n.t("exit code {0}", step.exitCode)}`;
    return (step.endedAt === undefined ? statusText(step.status) : duration(step.endedAt - step.startedAt)) + code;
  }
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? vscode.l10n.t("{0} ms", milliseconds) : vscode.l10n.t("{0} s", (milliseconds / 1000).toFixed(1));
}

function statusText(status: StepStatus): string {
  switch (status) {
    case "running":
      return vscode.l10n.t("running");
    case "succeeded":
      return vscode.l10n.t("done");
    case "failed":
      return vscode.l10n.t("failed");
    case "skipped":
      return vscode.l10n.t("skipped");
    case "cancelled":
      return vscode.l10n.t("cancelled");
  }
}
