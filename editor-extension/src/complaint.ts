/** Telling a failure: the failing step and its own output, then what can be done about it. The log gets everything. */
import * as vscode from "vscode";
import { Cancelled, dataOf, headline, isInterrupted, lines } from "./failure";
import type { Session } from "./session";
import { tell } from "./tell";

/** Something that the user can do about a failure. */
export interface Remedy {
  label: string;
  run: () => Promise<void>;
}

/** Doing it again; where leave was missing, that is how it is asked for. */
export function again(error: unknown, run: () => Promise<void>): Remedy {
  const label = dataOf(error)?.kind === "untrusted" ? vscode.l10n.t("Review and Allow") : vscode.l10n.t("Retry");
  return { label, run };
}

/** Shows the failure with these remedies, the log, and, in a window for a container, the way back. */
export async function complain(session: Session, error: unknown, remedies: readonly Remedy[]): Promise<void> {
  for (const line of lines(error)) session.log.error(line);
  const all: Remedy[] = [...remedies];
  if (isInterrupted(error)) all.push(command(vscode.l10n.t("Rebuild Container"), "gangplank.rebuild"));
  all.push(command(vscode.l10n.t("Show Log"), "gangplank.showLog"));
  if (session.attachment.state.is !== "local") all.push(command(vscode.l10n.t("Reopen Locally"), "gangplank.reopenLocally"));
  const chosen = await tell("error", headline(error), ...all.map((remedy) => remedy.label));
  try {
    await all.find((remedy) => remedy.label === chosen)?.run();
  } catch (next) {
    if (!(next instanceof Cancelled)) await complain(session, next, remedies);
  }
}

function command(label: string, id: string): Remedy {
  const run = async (): Promise<void> => {
    await vscode.commands.executeCommand(id);
  };
  return { label, run };
}
