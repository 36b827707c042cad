/** The extension's settings. Those that choose programs are machine-scoped: a repository cannot set them. */
import * as vscode from "vscode";

function text(name: string): string {
  return vscode.workspace.getConfiguration("gangplank").get<string>(name, "").trim();
}

export const settings = {
  /** The program; empty means that it is looked for. */
  path: (): string => text("path"),
  /** The Docker context; empty means what the environment says. */
  dockerContext: (): string => text("dockerContext"),
  promptToReopen: (): boolean => vscode.workspace.getConfiguration("gangplank").get<boolean>("promptToReopen", true),
};
