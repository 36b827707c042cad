/**
 * The attached window: a generated `.code-workspace` in this extension's own storage, whose default terminal profile
 * is `gangplank shell`. It survives reload and restart, stands in Recent, and leaves the repository and the user's
 * settings as they are.
 *
 * A profile contributed by the extension would not do as the default: other extensions' terminals and shell tasks
 * would stay on the host, and a reload would lose the processes.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, unlink, utimes, writeFile } from "node:fs/promises";
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

/** A terminal of an attached window, as it is remembered over the window's end. */
export interface OpenTerminal {
  /** The process id of its program. */
  pid: number;
  name: string;
}

/** What a window that becomes an attached one leaves to that. */
export interface Entered {
  /** The operation that brings the container up; without it the container is taken as it is. */
  operationId: string | undefined;
}

/**
 * How long what a window left counts, in milliseconds. A window that never came, as when files were not to be closed,
 * must not speak for one that is opened some other day.
 */
const enteredCounts = 10 * 60_000;

/** The configuration that a container was made from, as far as this extension saw it. */
export interface MadeFrom {
  containerId: string;
  text: string;
  /** The text for which the user did not want a rebuild. */
  declined?: string;
}

/** The text of the file. The same settings give the same text. */
export function windowText(window: WindowSettings): string {
  const name = basename(window.folder);
  // `${` in a name would be taken for a variable of the title
  const title = `${name} [${window.containerName}]`.replaceAll("${", "$ {");
  // nor can such a path be an argument: the editor would put its variables in
  const which = window.folder.includes("${") ? ["--container-id", window.containerName] : ["--workspace-folder", window.folder];
  const profile = { path: window.program, args: [...window.globalArguments, "shell", ...which], icon: "package", overrideName: true };
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
    await replace(file.fsPath, text);
    return file;
  }

  /** The terminals that were open in the folder's windows and have not been closed by anybody. */
  async openTerminals(folder: string): Promise<OpenTerminal[]> {
    const text = await readFile(this.terminalsOf(folder), "utf8").catch(() => "[]");
    try {
      const read: unknown = JSON.parse(text);
      return Array.isArray(read) ? read.filter(isOpenTerminal) : [];
    } catch {
      return [];
    }
  }

  /** Not in the editor's own store of the workspace: that is kept by the window, which may end before it is written. */
  async changeOpenTerminals(folder: string, change: (all: OpenTerminal[]) => OpenTerminal[]): Promise<void> {
    await replace(this.terminalsOf(folder), JSON.stringify(change(await this.openTerminals(folder))));
  }

  /** The configuration that this container was made from; nothing when that is not known. */
  async madeFrom(folder: string, containerId: string): Promise<MadeFrom | undefined> {
    try {
      const read = JSON.parse(await readFile(this.madeFromFile(folder), "utf8")) as Partial<Record<keyof MadeFrom, unknown>> | null;
      if (read?.containerId !== containerId || typeof read.text !== "string") return undefined;
      return { containerId, text: read.text, ...(typeof read.declined === "string" ? { declined: read.declined } : {}) };
    } catch {
      return undefined;
    }
  }

  async rememberMadeFrom(folder: string, made: MadeFrom): Promise<void> {
    await replace(this.madeFromFile(folder), JSON.stringify(made));
  }

  /** Leaves word to the window that this one becomes. */
  async leaveEntered(folder: string, entered: Entered): Promise<void> {
    await replace(this.enteredOf(folder), JSON.stringify({ ...entered, at: Date.now() }));
  }

  /** Takes what was left, which only one window can do. */
  async takeEntered(folder: string): Promise<Entered | undefined> {
    const mine = `${this.enteredOf(folder)}.${process.pid.toString()}.taken`;
    try {
      await rename(this.enteredOf(folder), mine);
      const text = await readFile(mine, "utf8");
      await unlink(mine);
      const read: unknown = JSON.parse(text);
      const { at, operationId } = read as { at?: unknown; operationId?: unknown };
      const age = typeof at === "number" ? Date.now() - at : NaN;
      if (!(age >= 0 && age < enteredCounts)) return undefined;
      return { operationId: typeof operationId === "string" ? operationId : undefined };
    } catch {
      // nobody left anything, or another window took it
      return undefined;
    }
  }

  private madeFromFile(folder: string): string {
    return join(dirname(this.fileOf(folder).fsPath), "made-from.json");
  }

  private enteredOf(folder: string): string {
    return join(dirname(this.fileOf(folder).fsPath), "entered.json");
  }

  private terminalsOf(folder: string): string {
    return join(dirname(this.fileOf(folder).fsPath), "terminals.json");
  }
}

/** Writes a file so that readers see the old text or the new one. */
async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid.toString()}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}

function isOpenTerminal(value: unknown): value is OpenTerminal {
  const { pid, name } = (value ?? {}) as Partial<Record<keyof OpenTerminal, unknown>>;
  return typeof pid === "number" && typeof name === "string";
}
