/** Tasks of type `gangplank`: a command in the container, without a shell between. */
import * as vscode from "vscode";
import { chooseFolder, type Session } from "./session";
import { globalArguments } from "./workspace";

interface Definition extends vscode.TaskDefinition {
  command: string;
  args?: string[];
  cwd?: string;
  hostPaths?: boolean;
}

export function registerTasks(session: Session): vscode.Disposable {
  return vscode.tasks.registerTaskProvider("gangplank", {
    provideTasks: () => [],
    resolveTask: async (task) => {
      if (!vscode.workspace.isTrusted) return undefined;
      const definition = task.definition as Definition;
      const folder = typeof task.scope === "object" ? task.scope : await chooseFolder(vscode.l10n.t("{0} runs in which folder's container?", task.name));
      const program = await session.daemon.program();
      const where = definition.cwd === undefined ? [] : ["--workdir", definition.cwd];
      // problem matchers look for files of this machine; whether the task has one is not told here
      const paths = definition.hostPaths === false ? [] : ["--host-paths"];
      const args = [...globalArguments(), "exec", "--workspace-folder", folder.uri.fsPath, ...paths, ...where, "--", definition.command, ...(definition.args ?? [])];
      const resolved = new vscode.Task(
        definition,
        folder,
        task.name,
        "gangplank",
        new vscode.ProcessExecution(program.path, args, { cwd: folder.uri.fsPath }),
        task.problemMatchers,
      );
      resolved.runOptions = task.runOptions;
      resolved.presentationOptions = task.presentationOptions;
      resolved.isBackground = task.isBackground;
      if (task.group !== undefined) resolved.group = task.group;
      return resolved;
    },
  });
}
