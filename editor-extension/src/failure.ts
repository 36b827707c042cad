/** Failures as people read them: the failing step and its own output first, then why, then what to do. */
import type { ErrorData, Operation } from "gangplank-protocol";
import * as vscode from "vscode";
import { RpcError } from "./rpc";

/** An operation that did not succeed. */
export class OperationFailed extends Error {
  override readonly name = "OperationFailed";
  constructor(readonly operation: Operation) {
    super(operation.error?.message ?? `the operation is ${operation.state}`);
  }
}

/** The user does not want it any more; nothing is to be shown. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/** What cannot be done in this window, whatever is tried. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** Longest text of a notification before it is folded. */
const longest = 400;

/** What the daemon says about a failure, when it comes from there. */
export function dataOf(error: unknown): ErrorData | undefined {
  if (error instanceof RpcError) return error.data;
  if (error instanceof OperationFailed) return error.operation.error;
  return undefined;
}

/** True when the daemon ended while it worked on something, which may have cut a hook off. */
export function isInterrupted(error: unknown): boolean {
  return error instanceof OperationFailed && error.operation.state === "interrupted";
}

/** The failure in one notification. */
export function headline(error: unknown): string {
  if (error instanceof OperationFailed && error.operation.state === "interrupted") {
    const { subject, nextStep } = error.operation;
    return nextStep === undefined
      ? vscode.l10n.t("The daemon ended while it worked on {0}.", subject)
      : vscode.l10n.t("The daemon ended while it worked on {0}: {1}.", subject, nextStep);
  }
  const data = dataOf(error);
  if (data === undefined) return clip(capital(error instanceof Error ? error.message : String(error)));
  const parts = [data.details?.type === "command" ? commandHeadline(data, data.details) : sentence(data)];
  if (data.details?.type === "diagnostics") {
    for (const problem of data.details.diagnostics.filter((each) => each.severity === "error").slice(0, 3)) {
      parts.push(`${problem.line.toString()}:${problem.column.toString()} ${problem.message}`);
    }
  }
  if (data.hint !== undefined) parts.push(capital(data.hint) + ".");
  return clip(parts.join(data.details?.type === "command" ? " — " : " "));
}

/** Everything about a failure, a line each, for the log. */
export function lines(error: unknown): string[] {
  const data = dataOf(error);
  if (data === undefined) return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  const text = [data.step === undefined ? data.message : `${data.step}: ${data.message}`];
  if (data.details?.type === "command") text.push(...data.details.lastOutput.map((line) => `  ${line}`));
  if (data.details?.type === "diagnostics") {
    for (const d of data.details.diagnostics) text.push(`  ${d.file}:${d.line.toString()}:${d.column.toString()} ${d.message}`);
  }
  text.push(...causesOf(data).map((cause) => `  ${cause}`));
  if (data.hint !== undefined) text.push(`  ${data.hint}`);
  if (data.logPath !== undefined) text.push(`  ${data.logPath}`);
  return text;
}

function commandHeadline(data: ErrorData, command: Extract<ErrorData["details"], { type: "command" }>): string {
  const step = data.step ?? data.message;
  const said = command.lastOutput.filter((line) => line.trim() !== "").slice(-3).join("\n");
  const failed =
    command.exitCode === undefined ? vscode.l10n.t("{0} failed", step) : vscode.l10n.t("{0} failed with exit code {1}", step, command.exitCode);
  return said === "" ? `${failed}.` : `${failed}: ${said}`;
}

function sentence(data: ErrorData): string {
  const [because] = causesOf(data);
  return capital(data.message) + (because === undefined ? "." : `: ${because}.`);
}

/** The causes; an empty list is left out on the wire. */
function causesOf(data: Partial<ErrorData>): string[] {
  return data.causes ?? [];
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function clip(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
