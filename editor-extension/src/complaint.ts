/** Telling a failure: the failing step and its own output, then what can be done about it. The log gets everything. */
import * as vscode from "vscode";
import { Cancelled, headline, lines } from "./failure";
import type { Session } from "./session";

/** Something that the user can do about a failure. */
export interface Remedy {
  label: string;
  run: () => Promise<void>;
}

/** Shows the failure with these remedies, the log, and, in a window for a container, the way back. */
export async function complain(session: Session, error: unknown, remedies: readonly Remedy[]): Promise<void> {
  for (const line of lines(error)) session.log.error(line);
  const all: Remedy[] = [
    ...remedies,
    {
      label: vscode.l10n.t("Show Log"),
      run: () => {
        session.log.show(true);
        return Promise.resolve();
      },
    },
  ];
  if (session.attachment.state.is !== "local") {
    const run = async (): Promise<void> => {
      await vscode.commands.executeCommand("gangplank.reopenLocally");
    };
    all.push({ label: vscode.l10n.t("Reopen Locally"), run });
  }
  const chosen = await vscode.window.showErrorMessage(headline(error), ...all.map((remedy) => remedy.label));
  try {
    await all.find((remedy) => remedy.label === chosen)?.run();
  } catch (next) {
    if (!(next instanceof Cancelled)) await complain(session, next, remedies);
  }
}
