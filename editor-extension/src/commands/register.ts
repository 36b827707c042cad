/** Registering commands: trust first, and one way in which a failure is told. */
import * as vscode from "vscode";
import { Cancelled, headline, lines } from "../failure";
import { requireTrust, type Session } from "../session";

export interface CommandOptions {
  /** It runs nothing of the repository, so it may also run where the window is not trusted. */
  untrusted?: boolean;
  /** Doing it again can help. */
  retry?: boolean;
}

export function register(session: Session, id: string, run: (...args: unknown[]) => Promise<void>, options: CommandOptions = {}): void {
  const handler = async (...args: unknown[]): Promise<void> => {
    try {
      if (options.untrusted !== true) await requireTrust();
      await run(...args);
    } catch (error) {
      if (error instanceof Cancelled) return;
      void complain(session, error, options.retry === true ? () => handler(...args) : undefined);
    }
  };
  session.context.subscriptions.push(vscode.commands.registerCommand(id, handler));
}

async function complain(session: Session, error: unknown, again: (() => Promise<void>) | undefined): Promise<void> {
  for (const line of lines(error)) session.log.error(line);
  const retry = vscode.l10n.t("Retry");
  const show = vscode.l10n.t("Show Log");
  const local = vscode.l10n.t("Reopen Locally");
  const buttons = [...(again === undefined ? [] : [retry]), show, ...(session.attachment.state.is === "local" ? [] : [local])];
  const chosen = await vscode.window.showErrorMessage(headline(error), ...buttons);
  if (chosen === retry) await again?.();
  else if (chosen === show) session.log.show(true);
  else if (chosen === local) await vscode.commands.executeCommand("gangplank.reopenLocally");
}
