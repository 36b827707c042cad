// Tasks and links: an npm task, a task of type gangplank with problems, a traceback's link.
import { join } from "node:path";
import { expect } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "tasks, problems, links";

// the image has no npm; what stands in for it says where it ran
const npm = `printf '#!/bin/sh\\necho "npm $* ran on $(hostname) in $(pwd)"\\n' > /usr/local/bin/npm && chmod +x /usr/local/bin/npm`;

export function steps({ sandbox, server, browser, evidence }) {
  const folder = sandbox.folder("tasks", {
    ".devcontainer/devcontainer.json": {
      name: "Tasks",
      image,
      postCreateCommand: npm,
      workspaceMount: "type=bind,source=${localWorkspaceFolder},target=/srv/code",
      workspaceFolder: "/srv/code",
    },
    "package.json": { name: "x", version: "1.0.0", scripts: { hello: "echo hello" } },
    "src/broken.py": "def inner():\n    return 1 / 0\n\n\ninner()\n",
    "src/main.c": "int main(void) { return x; }\n",
    ".vscode/tasks.json": {
      version: "2.0.0",
      tasks: [
        { label: "compile", type: "gangplank", command: "sh", args: ["-c", "echo \"/srv/code/src/main.c:1:25: error: 'x' undeclared on $(hostname)\"; exit 1"], problemMatcher: "$gangplank-gcc" },
        { label: "check", type: "gangplank", command: "sh", args: ["-c", "echo \"/srv/code/src/main.c: line 1, col 25, Error - found on $(hostname) (rule)\""], problemMatcher: "$eslint-compact" },
        { label: "hello from npm", type: "npm", script: "hello", problemMatcher: [] },
      ],
    },
  });
  let editor;
  let id;
  /** Waits until the folder's own file is on show: one of the same name elsewhere is empty. */
  const opened = async () => {
    await editor.page.locator('.tab.active[data-resource-name="main.c"]').waitFor();
    await editor.page.locator(".monaco-editor .view-lines", { hasText: /int\smain/ }).waitFor();
  };

  return {
    page: () => editor,
    list: {
      "the folder is reopened": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence);
        await editor.reopen();
        id = (await sandbox.containers())[0].Id.slice(0, 12);
      },
      "an npm task runs in the container": async () => {
        await editor.command("Tasks: Run Task");
        await editor.pick("hello from npm");
        await editor.shows(new RegExp(`npm run hello ran on ${id} in /srv/code`));
        await editor.shot("npm");
      },
      "a task of type gangplank runs without a shell and its problems are files of this machine": async () => {
        await editor.command("Tasks: Run Task");
        await editor.pick("compile");
        await editor.shows(new RegExp(`undeclared on ${id}`));
        await editor.command("Problems: Focus on Problems View");
        const problem = editor.page.locator(".markers-panel .monaco-list-row", { hasText: "undeclared on" });
        await problem.waitFor();
        await problem.dblclick();
        await opened();
        await editor.shot("problem");
      },
      "a matcher of the editor's own finds the file too": async () => {
        await editor.page.keyboard.press("Control+W");
        await editor.command("Tasks: Run Task");
        await editor.pick("check");
        const problem = editor.page.locator(".markers-panel .monaco-list-row", { hasText: `found on ${id}` });
        // the task's terminal takes the panel when it comes
        await editor.page.locator('.statusbar-item[id="status.problems"]', { hasText: /^\s*2\s*0\s*$/ }).waitFor();
        await editor.command("Problems: Focus on Problems View");
        await problem.waitFor();
        await problem.dblclick();
        await opened();
      },
      "a traceback's path opens the line of the file on this machine": async () => {
        await editor.openFile("broken.py");
        await editor.page.locator('.editor-actions .action-label[aria-label*="Run Python File in Container"]').click();
        await editor.shows(/ZeroDivisionError/);
        await editor.openFile("package.json");
        await editor.followLink("line 2, in inner", 160, join(folder, "src/broken.py"));
        await editor.page.locator('.tab.active[data-resource-name="broken.py"]').waitFor();
        const position = await editor.page.locator(".statusbar-item", { hasText: /Ln \d+, Col/ }).innerText();
        await editor.shot("link");
        expect(position.includes("Ln 2,"), position);
      },
    },
  };
}
