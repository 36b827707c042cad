/** Links in terminals: a path in the container opens the file on the host that it is. */
import { stat } from "node:fs/promises";
import * as vscode from "vscode";
import type { Attachment } from "./attachment";
import { findPaths } from "./link-text";
import { toHost } from "./paths";

class FileLink extends vscode.TerminalLink {
  constructor(
    start: number,
    length: number,
    readonly file: string,
    readonly at: vscode.Position,
  ) {
    super(start, length, vscode.l10n.t("Open {0}", file));
  }
}

export function registerLinks(attachment: Attachment): vscode.Disposable {
  return vscode.window.registerTerminalLinkProvider({
    provideTerminalLinks: async ({ line }) => {
      const attached = attachment.attached;
      if (attached === undefined) return [];
      const links: FileLink[] = [];
      for (const found of findPaths(line)) {
        const file = toHost(attached.shared, found.path);
        if (file === undefined || !(await isFile(file))) continue;
        const at = new vscode.Position(Math.max(0, (found.line ?? 1) - 1), Math.max(0, (found.column ?? 1) - 1));
        links.push(new FileLink(found.start, found.length, file, at));
      }
      return links;
    },
    handleTerminalLink: async ({ file, at }: FileLink) => {
      await vscode.window.showTextDocument(vscode.Uri.file(file), { selection: new vscode.Range(at, at) });
    },
  });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
