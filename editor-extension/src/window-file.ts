/**
 * The attached window: a generated `.code-workspace` in this extension's own storage, whose default terminal profile
 * is `gangplank shell`. It survives reload and restart, stands in Recent, and leaves the repository and the user's
 * settings as they are.
 *
 * A profile contributed by the extension would not do as the default: other extensions' terminals and shell tasks
 * would stay on the host, and a reload would lose the processes.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import * as vscode from "vscode";

/** The name of the terminal profile in an attached window. */
export const profileName = "Container";

export interface WindowSettings {
  /** The folder on the host. */
  folder: string;
  /** The program whose `shell` terminals run. */
  program: string;
  /** Arguments before `shell`. */
  globalArguments: readonly string[];
  /** For the window's title. */
  containerName: string;
}

/** The text of the file. The same settings give the same text. */
export function windowText(window: WindowSettings): string {
  const name = basename(window.folder);
  // `${` in a name would be taken for a variable of the title
  const title = `${name} [${window.containerName}]`.replaceAll("${", "$ {");
  const profile = { path: window.program, args: [...window.globalArguments, "shell", "--workspace-folder", window.folder], icon: "package", overrideName: true };
  const settings: Record<string, unknown> = { "window.title": `\${dirty}\${activeEditorShort}\${separator}${title}` };
  for (const platform of ["linux", "osx"]) {
    settings[`terminal.integrated.defaultProfile.${platform}`] = profileName;
    settings[`terminal.integrated.profiles.${platform}`] = { [profileName]: profile };
  }
  return `${JSON.stringify({ folders: [{ path: window.folder, name }], settings }, undefined, 2)}\n`;
}

export class WindowFiles {
  private readonly root: string;

  constructor(storage: vscode.Uri) {
    this.root = join(storage.fsPath, "windows");
  }

  /** The file of a folder's attached window. */
  fileOf(folder: string): vscode.Uri {
    const id = createHash("sha256").update(folder).digest("hex").slice(0, 16);
    return vscode.Uri.file(join(this.root, id, `${basename(folder) || "root"}.code-workspace`));
  }

  /** True when this window is one of ours. */
  isOurs(workspaceFile: vscode.Uri | undefined): boolean {
    return workspaceFile !== undefined && workspaceFile.scheme !== "untitled" && workspaceFile.fsPath.startsWith(this.root + sep);
  }

  /**
   * Has the editor read a window's file again. In the browser, and with a remote, the editor sometimes loses the folders
   * of a workspace file that it opens for the first time: the file arrives between two of its own steps. A change of the
   * file brings them.
   */
  async readAgain(workspaceFile: vscode.Uri): Promise<void> {
    const now = new Date();
    await utimes(workspaceFile.fsPath, now, now);
  }

  /** Writes the file, unless it is so already: the editor reads it anew at every change. */
  async write(window: WindowSettings): Promise<vscode.Uri> {
    const file = this.fileOf(window.folder);
    const text = windowText(window);
    const present = await readFile(file.fsPath, "utf8").catch(() => undefined);
    if (present === text) return file;
    await mkdir(dirname(file.fsPath), { recursive: true, mode: 0o700 });
    const temporary = `${file.fsPath}.${process.pid.toString()}`;
    await writeFile(temporary, text, { mode: 0o600 });
    await rename(temporary, file.fsPath);
    return file;
  }
}
