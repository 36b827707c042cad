/** Registering commands: trust first, and one way in which a failure is told. */
import * as vscode from "vscode";
import { again, complain } from "../complaint";
import { Cancelled, Refused } from "../failure";
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
      // a command is over when its failure is told; what the user does about it is another story
      void complain(session, error, options.retry === true && !(error instanceof Refused) ? [again(error, () => handler(...args))] : []);
    }
  };
  session.context.subscriptions.push(vscode.commands.registerCommand(id, handler));
}
