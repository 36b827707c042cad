/** The daemon as this window knows it: the program, the way to the socket, and the client on top. */
import type { ExtensionContext } from "vscode";
import * as vscode from "vscode";
import { Client } from "./client";
import { Connection, type Door } from "./connection";
import { engineEnvironment } from "./environment";
import { locateProgram, startDaemon, type Program } from "./locate";
import { settings } from "./settings";
import { findSocket, stateDirectory } from "./socket";

export class Daemon implements vscode.Disposable {
  readonly client: Client;
  private found: Promise<Program> | undefined;
  private readonly watched: vscode.Disposable;

  constructor(
    private readonly context: ExtensionContext,
    log: vscode.LogOutputChannel,
  ) {
    const door: Door = {
      find: () => findSocket(stateDirectory(process.env)),
      start: async () => {
        await startDaemon(await this.program(), process.env);
      },
    };
    const greeting = () => {
      const chosen = settings.dockerContext();
      return {
        client: { name: "gangplank-vscode", version: (context.extension.packageJSON as { version: string }).version },
        environment: engineEnvironment(process.env),
        ...(chosen === "" ? {} : { context: chosen }),
      };
    };
    this.client = new Client(new Connection(door, greeting, log));
    this.watched = vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration("gangplank.path") && !event.affectsConfiguration("gangplank.dockerContext")) return;
      this.found = undefined;
      this.client.connection.reset();
    });
  }

  /** The program, looked for once; a failed search is made again. */
  program(): Promise<Program> {
    this.found ??= locateProgram(settings.path(), this.context.asAbsolutePath("bin/gangplank"), process.env).catch((error: unknown) => {
      this.found = undefined;
      throw error;
    });
    return this.found;
  }

  dispose(): void {
    this.watched.dispose();
    this.client.dispose();
  }
}
