/**
 * Finding the `gangplank` program: the machine's setting, then the one in this package, then `PATH`; and starting the
 * daemon through it. A program is asked for its version before anything else is asked of it.
 */
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import { CannotStart } from "./connection";

export interface Program {
  path: string;
  version: string;
}

/** There is no program that can be used. */
export class ProgramNotFound extends CannotStart {
  override readonly name = "ProgramNotFound";
}

const timeout = 15_000;

/**
 * @param setting the user's own choice, empty for none; when it is given nothing else is looked for
 * @param bundled where the package would have it
 */
export async function locateProgram(setting: string, bundled: string, environment: NodeJS.ProcessEnv): Promise<Program> {
  if (setting !== "") {
    if (!isAbsolute(setting)) throw new ProgramNotFound(vscode.l10n.t("gangplank.path is \"{0}\", which is not an absolute path", setting));
    return versionOf(setting, environment);
  }
  const candidates = [bundled, ...(environment["PATH"] ?? "").split(delimiter).filter(isAbsolute).map((folder) => join(folder, "gangplank"))];
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return versionOf(candidate, environment);
  }
  throw new ProgramNotFound(vscode.l10n.t("the program gangplank is neither in this extension nor on the PATH of the editor"));
}

/** Starts a daemon where none listens, and returns when one answers. */
export async function startDaemon(program: Program, environment: NodeJS.ProcessEnv): Promise<void> {
  // a client without a message: it starts the daemon, waits until it answers, and ends
  const { error, stderr } = await output(program.path, ["connect", "--stdio"], environment);
  if (error !== null) throw new Error(vscode.l10n.t("{0} could not start the daemon: {1}", program.path, lastLines(stderr) || error.message));
}

async function versionOf(path: string, environment: NodeJS.ProcessEnv): Promise<Program> {
  const { error, stdout, stderr } = await output(path, ["--version"], environment);
  const version = /^gangplank (\S+)/.exec(stdout)?.[1];
  if (version === undefined) {
    const why = error === null ? vscode.l10n.t("it answered \"{0}\"", stdout.trim().slice(0, 100)) : lastLines(stderr) || error.message;
    throw new ProgramNotFound(vscode.l10n.t("{0} --version did not tell a version of gangplank: {1}", path, why));
  }
  return { path, version };
}

function output(path: string, args: string[], env: NodeJS.ProcessEnv): Promise<{ error: Error | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(path, args, { env, timeout, windowsHide: true }, (error, stdout, stderr) => {
      resolve({ error, stdout, stderr });
    });
    child.stdin?.end();
  });
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" ");
}
