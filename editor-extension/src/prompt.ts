/**
 * What a folder with a configuration is told and asked the first time: that it can be reopened in its container, what
 * stays on this machine, and everything that the configuration does to this machine.
 */
import type { JsonValue, WorkspacePlanResult } from "gangplank-protocol";
import * as vscode from "vscode";
import { clientEnvironment } from "./environment";
import { Cancelled, lines } from "./failure";
import { describeEffects } from "./question";
import type { Session } from "./session";
import { settings } from "./settings";
import { selectorOf } from "./workspace";

const quietKey = (folder: string) => `prompt.quiet:${folder}`;
const seenKey = (folder: string) => `prompt.seen:${folder}`;

/** Offers to reopen the folder, once per opening, unless the user has said not to. */
export async function offerToReopen(session: Session): Promise<void> {
  const { globalState } = session.context;
  if (!settings.promptToReopen()) return;
  for (const { uri, name } of vscode.workspace.workspaceFolders ?? []) {
    const folder = uri.fsPath;
    if (uri.scheme !== "file" || globalState.get(quietKey(folder)) === true || !(await hasConfiguration(uri))) continue;
    const reopen = vscode.l10n.t("Reopen in Container");
    const never = vscode.l10n.t("Not for This Folder");
    const chosen = await vscode.window.showInformationMessage(
      vscode.l10n.t("{0} has a dev container configuration. Terminals, tasks and runs can be in its container.", name),
      reopen,
      never,
    );
    if (chosen === never) await globalState.update(quietKey(folder), true);
    if (chosen === reopen) await vscode.commands.executeCommand("gangplank.reopenInContainer");
    return;
  }
}

/**
 * Shows, the first time and whenever the effects are other ones, what the container changes and what it does to this
 * machine. Returns the hash of the effects agreed to; throws `Cancelled` when the user turns away.
 */
export async function consentTo(session: Session, folder: string): Promise<string | undefined> {
  const { globalState } = session.context;
  let plan: WorkspacePlanResult;
  try {
    plan = await session.daemon.client.call("workspace/plan", { workspace: selectorOf(folder), clientEnvironment: clientEnvironment(process.env) });
  } catch (error) {
    // what is wrong with the configuration `workspace/up` says, with everything that belongs to it
    for (const line of lines(error)) session.log.warn(line);
    return undefined;
  }
  const version = plan.hostEffectsHash ?? "none";
  if (globalState.get(seenKey(folder)) === version && plan.trusted) return undefined;
  const go = vscode.l10n.t("Reopen in Container");
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t("Reopen {0} in its container?", plan.name ?? folder),
    { modal: true, detail: describePlan(plan) },
    go,
  );
  if (chosen !== go) throw new Cancelled("not reopened");
  await globalState.update(seenKey(folder), version);
  return plan.hostEffectsHash;
}

/** The dialog's text. */
export function describePlan(plan: WorkspacePlanResult): string {
  const parts = [
    vscode.l10n.t("In the container: terminals, tasks and runs. On this machine: files and all extensions."),
    ...extensionsOf(plan.customizations),
    plan.hostEffects.length === 0
      ? vscode.l10n.t("The configuration does nothing to this machine beyond mounting the folder.")
      : vscode.l10n.t("The configuration acts on this machine:") + "\n" + describeEffects(plan.hostEffects),
    vscode.l10n.t("Programs in the container can change the folder's files, also those that tools on this machine run later (.git/hooks, .vscode, node_modules/.bin)."),
  ];
  return parts.join("\n\n");
}

function extensionsOf(customizations: JsonValue): string[] {
  const named = strings(field(field(customizations, "vscode"), "extensions")).filter((id) => !id.startsWith("-"));
  if (named.length === 0) return [];
  const installed = named.filter((id) => vscode.extensions.getExtension(id) !== undefined);
  const missing = named.filter((id) => !installed.includes(id));
  const text = [vscode.l10n.t("Extensions that the configuration asks for stay on this machine; none is installed.")];
  if (installed.length > 0) text.push(vscode.l10n.t("Installed here: {0}", installed.join(", ")));
  if (missing.length > 0) text.push(vscode.l10n.t("Not installed here: {0}", missing.join(", ")));
  return [text.join("\n")];
}

/** Looks where the specification says that configurations are, without searching the folder. */
async function hasConfiguration(folder: vscode.Uri): Promise<boolean> {
  const at = (...path: string[]): vscode.Uri => vscode.Uri.joinPath(folder, ...path);
  if ((await exists(at(".devcontainer", "devcontainer.json"))) || (await exists(at(".devcontainer.json")))) return true;
  const entries = await vscode.workspace.fs.readDirectory(at(".devcontainer")).then(undefined, () => []);
  for (const [name] of entries) {
    if (await exists(at(".devcontainer", name, "devcontainer.json"))) return true;
  }
  return false;
}

function exists(file: vscode.Uri): Thenable<boolean> {
  return vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
}

function field(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function strings(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}
