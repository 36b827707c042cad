/** Questions of an operation, asked in the editor: trust in host effects, a choice among configurations, an image. */
import type { Answer, HostEffect, Question } from "gangplank-protocol";
import * as vscode from "vscode";
import { plain } from "./plain";
import { ask as askUser } from "./tell";

/**
 * @param consented the hash of the effects that the user has just been shown in full and agreed to
 */
export async function answerQuestion(question: Question, consented?: string): Promise<Answer | undefined> {
  const { ask } = question;
  switch (ask.type) {
    case "trust": {
      if (ask.hash === consented) return { type: "trust" };
      const yes = vscode.l10n.t("Allow and Continue");
      const given = await askUser("warning", vscode.l10n.t("This configuration acts on your machine"), describeEffects(ask.effects), yes);
      return given === yes ? { type: "trust" } : { type: "refuse" };
    }
    case "configuration": {
      const picked = await vscode.window.showQuickPick(
        ask.configurations.map((path) => ({ label: plain(vscode.workspace.asRelativePath(path)), path })),
        { title: vscode.l10n.t("Which dev container configuration?"), ignoreFocusOut: true },
      );
      return picked && { type: "choose", choice: picked.path, write: false };
    }
    case "offer": {
      const picked = await vscode.window.showQuickPick(
        ask.offers.map((offer) => ({ label: plain(offer.title), description: plain(offer.image), detail: plain(offer.reason), offer })),
        { title: vscode.l10n.t("This folder has no dev container configuration. Which image suits it?"), ignoreFocusOut: true },
      );
      return picked && { type: "choose", choice: picked.offer.id, write: true };
    }
  }
}

/** Every effect in full. The daemon has escaped what could mislead. */
export function describeEffects(effects: readonly HostEffect[]): string {
  return effects.map((effect) => `• ${effect.property}: ${effect.value}\n(${effect.reason})`).join("\n");
}
