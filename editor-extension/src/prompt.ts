/**
 * What a folder with a configuration is told and asked the first time: that it can be reopened in its container, what
 * stays on this machine, and everything that the configuration does to this machine.
 */
import type { JsonValue, WorkspacePlanResult } from "gangplank-protocol";
import * as vscode from "vscode";
import { clientEnvironment } from "./environment";
import { Cancelled, lines } from "./failure";
import { plain } from "./plain";
import { describeEffects } from "./question";
import { isInsideContainer, type Session } from "./session";
import { settings } from "./settings";
import { ask, tell, waitFor } from "./tell";
import { selectorOf } from "./workspace";

const offeredKey = (folder: string) => `prompt.offered:${folder}`;
const seenKey = (folder: string) => `prompt.seen:${folder}`;
/** Longest offer; the editor cuts longer ones off, and what is agreed to must be seen in full. */
const longest = 900;

/** Offers to reopen the folder, the first time that it is open with a configuration. */
export async function offerToReopen(session: Session): Promise<void> {
  const { globalState } = session.context;
  if (!settings.promptToReopen() || isInsideContainer()) return;
  for (const { uri, name } of vscode.workspace.workspaceFolders ?? []) {
    const folder = uri.fsPath;
    if (uri.scheme !== "file" || globalState.get(offeredKey(folder)) === true || !(await hasConfiguration(uri))) continue;
    const plan = await planOf(session, folder, false);
    await globalState.update(offeredKey(folder), true);
    const offer = vscode.l10n.t("{0} has a dev container configuration.", name);
    const whole = plan && [offer, ...partsOf(plan)].map(sentence).join(" ");
    const fits = whole !== undefined && plain(whole).length <= longest;
    const reopen = fits ? vscode.l10n.t("Reopen in Container") : vscode.l10n.t("Review and Reopen in Container");
    const chosen = await tell("information", fits ? whole : offer, reopen, vscode.l10n.t("Not Now"));
    if (chosen !== reopen) return;
    if (fits && plan !== undefined) agreed.set(folder, versionOf(plan));
    await vscode.commands.executeCommand("gangplank.reopenInContainer", uri);
    return;
  }
}

/** What the user has just agreed to in an offer, by folder. */
const agreed = new Map<string, string>();

/**
 * Shows, the first time and whenever the effects are other ones, what the container changes and what it does to this
 * machine. Returns the hash of the effects agreed to; throws `Cancelled` when the user turns away.
 */
export async function consentTo(session: Session, folder: string): Promise<string | undefined> {
  const { globalState } = session.context;
  const plan = await planOf(session, folder, true);
  if (plan === undefined) return undefined;
  const version = versionOf(plan);
  const inOffer = agreed.get(folder) === version;
  agreed.delete(folder);
  if (!inOffer) {
    if (globalState.get(seenKey(folder)) === version && plan.trusted) return undefined;
    const go = vscode.l10n.t("Reopen in Container");
    const chosen = await ask("information", vscode.l10n.t("Reopen {0} in its container?", plan.name ?? folder), partsOf(plan).join("\n\n"), go);
    if (chosen !== go) throw new Cancelled("not reopened");
  }
  await globalState.update(seenKey(folder), version);
  return plan.hostEffectsHash;
}

/** What would be done; nothing when the configuration cannot be read, which `workspace/up` says with all that belongs to it. */
async function planOf(session: Session, folder: string, shown: boolean): Promise<WorkspacePlanResult | undefined> {
  const asked = session.daemon.client.call("workspace/plan", { workspace: selectorOf(folder), clientEnvironment: clientEnvironment(process.env) });
  try {
    return await (shown ? waitFor(session.log, vscode.l10n.t("Reading the configuration"), asked) : asked);
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    for (const line of lines(error)) session.log.warn(line);
    return undefined;
  }
}

function versionOf(plan: WorkspacePlanResult): string {
  return plan.hostEffectsHash ?? "none";
}

/** One line that ends as a sentence does; the editor makes one paragraph of an offer. */
function sentence(part: string): string {
  const line = part.replaceAll("\n", " ");
  return line.endsWith(".") ? line : `${line}.`;
}

/** What would be done, a paragraph each. */
function partsOf(plan: WorkspacePlanResult): string[] {
  return [
    vscode.l10n.t("In the container: terminals, tasks and runs. On this machine: files and all extensions."),
    ...extensionsOf(plan.customizations),
    plan.hostEffects.length === 0
      ? vscode.l10n.t("The configuration does nothing to this machine beyond mounting the folder.")
      : vscode.l10n.t("The configuration acts on this machine:") + "\n" + describeEffects(plan.hostEffects),
    vscode.l10n.t("Programs in the container can change the folder's files, also those that tools on this machine run later (.git/hooks, .vscode, node_modules/.bin)."),
  ];
}

function extensionsOf(customizations: JsonValue): string[] {
  const named = strings(field(field(customizations, "vscode"), "extensions")).filter((id) => !id.startsWith("-"));
  if (named.length === 0) return [];
  const installed = named.filter((id) => vscode.extensions.getExtension(id) !== undefined);
  const missing = named.filter((id) => !installed.includes(id));
  const text = [vscode.l10n.t("Extensions that the configuration asks for stay on this machine; none is installed.")];
  if (installed.length > 0) text.push(vscode.l10n.t("Installed here: {0}", installed.join(", ")));
  if (missing.length > 0) text.push(vscode.l10n.t("Not installed here: {0}", missing.join(", ")));
  return [text.map(sentence).join("\n")];
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
