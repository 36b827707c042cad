/**
 * An operation as its feed tells it: steps, progress, output by whole lines, the question that is open, the end.
 * Pure: `operation.ts` shows it, the view draws it, tests feed it.
 */
import type { HostEffect, Operation, OperationEvent, Question, Step } from "gangplank-protocol";

/** What one item of the feed adds that people want to see at once. */
export interface News {
  /** For the log. */
  lines: string[];
  /** For the progress notification, when it changes. */
  message?: string;
}

interface Transfer {
  done: number;
  total: number;
}

export class OperationModel {
  readonly steps: Step[] = [];
  question: Question | undefined;
  ended: Operation | undefined;
  readonly warnings: string[] = [];
  effects: HostEffect[] = [];
  private readonly transfers = new Map<string, Map<string, Transfer>>();
  private readonly partial = new Map<string, string>();

  constructor(readonly operationId: string) {}

  /** The step that is being worked on. */
  get running(): Step | undefined {
    return this.steps.findLast((step) => step.status === "running");
  }

  /** How much of a step's bytes has come, 0 to 100; nothing when it has no bytes. */
  percent(step: string): number | undefined {
    let done = 0;
    let total = 0;
    for (const transfer of this.transfers.get(step)?.values() ?? []) {
      done += transfer.done;
      total += transfer.total;
    }
    return total === 0 ? undefined : Math.min(100, Math.floor((done / total) * 100));
  }

  /** Takes the operation as a whole, as after items were lost. */
  replace(operation: Operation): void {
    this.steps.splice(0, this.steps.length, ...operation.steps);
    this.question = operation.question;
    if (!isGoing(operation)) this.ended = operation;
  }

  apply(event: OperationEvent): News {
    switch (event.type) {
      case "step":
        return this.step(event.step);
      case "progress": {
        const items = this.transfers.get(event.step) ?? new Map<string, Transfer>();
        this.transfers.set(event.step, items);
        if (event.total !== undefined) items.set(`${event.item}/${event.status}`, { done: event.done ?? 0, total: event.total });
        return { lines: [], message: this.describe(event.step, event.status) };
      }
      case "output":
        return { lines: this.output(event.command === undefined ? event.step : `${event.step} (${event.command})`, event.text) };
      case "warning":
        this.warnings.push(event.message);
        return { lines: [`warning: ${event.message}`] };
      case "hostEffects":
        this.effects = event.effects;
        return { lines: event.effects.map((effect) => `host effect: ${effect.property}: ${effect.value} (${effect.reason})`) };
      case "question":
        this.question = event.question;
        return { lines: [] };
      case "answered":
        if (this.question?.questionId === event.questionId) this.question = undefined;
        return { lines: [] };
      case "ended": {
        const rest = [...this.partial].filter(([, text]) => text !== "").map(([step, text]) => `${step} | ${text}`);
        this.partial.clear();
        this.replace(event.operation);
        return { lines: rest };
      }
    }
  }

  private step(step: Step): News {
    const at = this.steps.findIndex((known) => known.step === step.step);
    if (at < 0) this.steps.push(step);
    else this.steps[at] = step;
    const code = step.exitCode === undefined || step.exitCode === 0 ? "" : ` (exit code ${step.exitCode.toString()})`;
    const news: News = { lines: [`${step.step}: ${step.status}${code}`] };
    if (step.status === "running") news.message = step.title;
    return news;
  }

  private describe(name: string, status: string): string {
    const title = this.steps.find((step) => step.step === name)?.title ?? name;
    const percent = this.percent(name);
    return percent === undefined ? `${title}: ${status}` : `${title}: ${percent.toString()} %`;
  }

  /** Whole lines; what has no end yet waits for it. Of a line that was written over (`\r`) the last state counts. */
  private output(from: string, text: string): string[] {
    const pieces = ((this.partial.get(from) ?? "") + text).split("\n");
    this.partial.set(from, pieces.pop() ?? "");
    return pieces.map((line) => `${from} | ${lastState(line)}`);
  }
}

/** True while an operation can still change. */
export function isGoing(operation: Operation): boolean {
  return operation.state === "running" || operation.state === "needsInput";
}

function lastState(line: string): string {
  return line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
}
