/**
 * Long work as people see it: one notification with the step, a way to cancel it and a link to the log; the log gets
 * every line; the view gets every step; questions are asked as they come.
 */
import type { Answer, JsonValue, Operation, OperationStarted, Question } from "gangplank-protocol";
import * as vscode from "vscode";
import type { Client } from "./client";
import { Cancelled, OperationFailed, headline } from "./failure";
import { OperationModel, isGoing } from "./operation-model";
import { withProgress } from "./tell";

/** Answers a question; nothing means that the user turned away, which cancels the operation. */
export type Answerer = (question: Question) => Promise<Answer | undefined>;

export class Operations implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  /** Fires when the operation on show changed. */
  readonly onChange = this.changed.event;
  /** The newest operation of this window, running or over. */
  latest: OperationModel | undefined;

  constructor(
    private readonly client: Client,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /**
   * Follows an operation to its end, or until `enough` of it is done, whatever becomes of the rest. Throws
   * `OperationFailed` or `Cancelled` when it does not come to that.
   */
  async follow(title: string, started: OperationStarted, answer: Answerer, enough: (model: OperationModel) => boolean = () => false): Promise<Operation> {
    const model = new OperationModel(started.operationId);
    this.latest = model;
    await vscode.commands.executeCommand("setContext", "gangplank.working", true);
    this.changed.fire();
    this.log.info(`${title} (${started.operationId}${started.joined ? ", joined" : ""})`);
    try {
      const operation = await withProgress(title, (report, cancelled) => {
        // where cancelling fails, as without a daemon, nobody is kept waiting for an end that cannot be learnt
        const notCancelled = new Promise<never>((_resolve, reject) => {
          cancelled.onCancellationRequested(() => {
            this.cancel(model).catch((error: unknown) => {
              reject(new Error(vscode.l10n.t("{0} could not be cancelled: {1}", title, headline(error))));
            });
          });
        });
        const { end, stop } = this.toEnd(model, answer, report, enough);
        return Promise.race([end, notCancelled]).finally(stop);
      });
      this.log.info(`${title}: ${operation.state}`);
      if (operation.state === "cancelled") throw new Cancelled("cancelled");
      if (operation.state === "succeeded" || enough(model)) return operation;
      throw new OperationFailed(operation);
    } finally {
      if (this.latest === model) await vscode.commands.executeCommand("setContext", "gangplank.working", false);
      this.changed.fire();
    }
  }

  /** Puts an operation that has ended on show, as one of a window that became this one. */
  show(operation: Operation): void {
    this.latest = new OperationModel(operation.operationId);
    this.latest.replace(operation);
    this.changed.fire();
  }

  async cancel(model = this.latest): Promise<void> {
    if (model === undefined || model.ended !== undefined) return;
    await this.client.call("operation/cancel", { operationId: model.operationId });
  }

  dispose(): void {
    this.changed.dispose();
  }

  private toEnd(
    model: OperationModel,
    answer: Answerer,
    report: (message: string) => void,
    enough: (model: OperationModel) => boolean,
  ): { end: Promise<Operation>; stop: () => void } {
    let stop = (): void => undefined;
    const end = new Promise<Operation>((resolve, reject) => {
      let asked: string | undefined;
      const look = () => {
        this.changed.fire();
        if (model.ended !== undefined) {
          resolve(model.ended);
          return;
        }
        if (enough(model)) {
          this.client.call("operation/get", { operationId: model.operationId }).then(resolve, reject);
          return;
        }
        const question = model.question;
        if (question === undefined || question.questionId === asked) return;
        asked = question.questionId;
        this.ask(model, question, answer).catch((error: unknown) => {
          this.log.warn(`the question was not answered: ${String(error)}`);
        });
      };
      const reread = async () => {
        const operation = await this.client.call("operation/get", { operationId: model.operationId });
        model.replace(operation);
        look();
      };
      const subscription = this.client.subscribe(
        "operation/subscribe",
        { operationId: model.operationId },
        (item) => {
          const news = model.apply(item.event);
          for (const line of news.lines) this.log.info(line);
          if (news.message !== undefined) report(news.message);
          look();
          if (item.resync === true && model.ended === undefined) reread().catch(reject);
        },
        reject,
      );
      stop = () => {
        subscription.end();
      };
    });
    return { end, stop };
  }

  private async ask(model: OperationModel, question: Question, answer: Answerer): Promise<void> {
    const given = await answer(question);
    // the operation may have ended, or somebody else may have answered meanwhile
    if (model.ended !== undefined || model.question?.questionId !== question.questionId) return;
    if (given === undefined) await this.cancel(model);
    else await this.client.call("operation/answer", { operationId: model.operationId, questionId: question.questionId, answer: given });
  }
}

/** The result of an operation that succeeded; which type it has the method says. */
export function resultOf(operation: Operation): JsonValue {
  if (isGoing(operation) || operation.result === undefined) throw new OperationFailed(operation);
  return operation.result;
}
