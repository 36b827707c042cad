/**
 * The one way to messages, progress and the text of views. The editor takes links in them for its own, so everything
 * goes through `plain` here; only what this file adds itself is a link.
 */
import * as vscode from "vscode";
import { Cancelled } from "./failure";
import { plain } from "./plain";

export type Weight = "error" | "warning" | "information";

/** Shows a message with buttons, and gives the one that was pressed. */
export async function tell(weight: Weight, message: string, ...buttons: string[]): Promise<string | undefined> {
  return show(weight, plain(message), {}, buttons);
}

/** Asks in a dialog that stands before everything else; nothing is given when the user turns away. */
export async function ask(weight: Weight, message: string, detail: string, ...buttons: string[]): Promise<string | undefined> {
  return show(weight, plain(message), { modal: true, detail: plain(detail) }, buttons);
}

function show(weight: Weight, message: string, options: vscode.MessageOptions, buttons: string[]): Thenable<string | undefined> {
  switch (weight) {
    case "error":
      return vscode.window.showErrorMessage(message, options, ...buttons);
    case "warning":
      return vscode.window.showWarningMessage(message, options, ...buttons);
    case "information":
      return vscode.window.showInformationMessage(message, options, ...buttons);
  }
}

/** A notification while something runs, with a way to cancel it and a link to the log. */
export function withProgress<T>(title: string, run: (report: (message: string) => void, cancelled: vscode.CancellationToken) => Thenable<T>): Thenable<T> {
  const withLog = `${plain(title)} ([${vscode.l10n.t("Show Log")}](command:gangplank.showLog))`;
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: withLog, cancellable: true }, (progress, cancelled) =>
    run((message) => {
      progress.report({ message: plain(message) });
    }, cancelled),
  );
}

/** How long a call may take before it is shown that one waits, in milliseconds. */
const unnoticed = 400;

/**
 * Waits for a call that usually is short. Cancelling stops the waiting only: the daemon finishes what it has begun, and
 * the log says so.
 */
export async function waitFor<T>(log: vscode.LogOutputChannel, title: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const long = new Promise<"long">((resolve) => {
    timer = setTimeout(() => {
      resolve("long");
    }, unnoticed);
  });
  try {
    const first = await Promise.race([work.then((result) => ({ result })), long]);
    if (first !== "long") return first.result;
  } finally {
    clearTimeout(timer);
  }
  return withProgress(title, (_report, cancelled) =>
    Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        cancelled.onCancellationRequested(() => {
          log.info(`${title}: no longer waited for; what the daemon has begun it finishes`);
          work.catch((error: unknown) => {
            log.warn(`${title}: ${String(error)}`);
          });
          reject(new Cancelled("not waited for"));
        });
      }),
    ]),
  );
}
