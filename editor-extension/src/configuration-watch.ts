/** Watches the configuration that the attached window's container was made from, and says what a change means. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import * as vscode from "vscode";
import type { Subscription } from "./client";
import { changedProperties } from "./configuration";
import { dataOf } from "./failure";
import { describeEffects } from "./question";
import type { Session } from "./session";
import { tell } from "./tell";
import type { MadeFrom } from "./window-file";
import { probe, selectorOf } from "./workspace";

export class ConfigurationWatch implements vscode.Disposable {
  private subscription: Subscription | undefined;
  private asked = false;
  private file: string | undefined;
  private made: MadeFrom = { containerId: "", text: "" };

  /** @param allow brings the container up again, which asks for the leave that is missing */
  constructor(
    private readonly session: Session,
    private readonly folder: string,
    private readonly allow: () => Promise<void>,
  ) {}

  /**
   * Begins with what changed while no window was there. The configuration that a container was made from is the one with
   * which it was seen first.
   */
  async begin(): Promise<void> {
    const { client } = this.session.daemon;
    const { workspace } = await client.call("workspace/inspect", { workspace: selectorOf(this.folder) });
    this.file = workspace.configuration;
    if (this.file === undefined) return;
    const { containerId } = workspace.container;
    const known = await this.session.windows.madeFrom(this.folder, containerId);
    this.made = known ?? { containerId, text: await readFile(this.file, "utf8").catch(() => "") };
    if (known === undefined) await this.session.windows.rememberMadeFrom(this.folder, this.made);
    this.subscription = client.subscribe(
      "watch/subscribe",
      { workspaceFolder: this.folder, all: false },
      ({ event, resync }) => {
        if (event.type === "configurationChanged" || resync === true) void this.changed().catch(this.log);
        else if (event.type === "degraded") this.session.log.warn(event.reason);
      },
      (error) => {
        this.session.log.warn(`changes of the configuration are not seen: ${error.message}`);
      },
    );
    void this.changed().catch(this.log);
  }

  /**
   * Says when new terminals are refused because the configuration reads more of this machine than was allowed for the
   * container. True when it is so.
   */
  async tellMissingLeave(): Promise<boolean> {
    try {
      await probe(this.session, this.folder);
      return false;
    } catch (error) {
      const data = dataOf(error);
      if (data?.kind !== "untrusted") throw error;
      await this.offerLeave(data.details?.type === "hostEffects" ? describeEffects(data.details.effects) : data.message);
      return true;
    }
  }

  dispose(): void {
    this.subscription?.end();
  }

  private readonly log = (error: unknown): void => {
    this.session.log.warn(String(error));
  };

  private async changed(): Promise<void> {
    if (this.file === undefined || this.asked) return;
    const now = await readFile(this.file, "utf8").catch(() => "");
    const properties = changedProperties(this.made.text, now);
    if (properties === undefined || properties.length === 0) return;
    this.session.log.info(`the configuration is other than the container's: ${properties.join(", ")}`);
    if (now === this.made.declined) return;
    if (await this.tellMissingLeave()) return;
    const rebuild = vscode.l10n.t("Rebuild Container");
    await this.offer(
      vscode.l10n.t("{0} changed: {1}. The container is as it was until it is rebuilt.", basename(this.file), properties.join(", ")),
      rebuild,
      async () => {
        await vscode.commands.executeCommand("gangplank.rebuild");
      },
      async () => {
        this.made = { ...this.made, declined: now };
        await this.session.windows.rememberMadeFrom(this.folder, this.made);
      },
    );
  }

  private offerLeave(effects: string): Promise<void> {
    return this.offer(
      vscode.l10n.t("New terminals are refused: the configuration takes from this machine what you have not allowed. {0}", effects),
      vscode.l10n.t("Review and Allow"),
      this.allow,
    );
  }

  /** One offer at a time. */
  private async offer(message: string, label: string, run: () => Promise<void>, decline?: () => Promise<void>): Promise<void> {
    if (this.asked) return;
    this.asked = true;
    try {
      const notNow = vscode.l10n.t("Not Now");
      const chosen = await tell("warning", message, label, notNow);
      this.asked = false;
      if (chosen === label) await run();
      else if (chosen === notNow) await decline?.();
    } finally {
      this.asked = false;
    }
  }
}
