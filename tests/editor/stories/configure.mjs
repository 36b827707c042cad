// A folder without a configuration, other containers, stopping: what the palette and the view are for.
import { readFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "configuring, other containers, stopping";

export function steps({ sandbox, server, browser, evidence }) {
  const plain = sandbox.folder("plain", { "main.py": "print('plain')\n" });
  const other = sandbox.folder("other", { ".devcontainer.json": { name: "Other", image, remoteUser: "vscode" }, "tool.py": "import socket\nprint('tool on', socket.gethostname())\n" });
  let editor;
  let id;

  return {
    page: () => editor,
    list: {
      "a folder without a configuration gets one that suits it": async () => {
        editor = await Workbench.open(browser, server.url, plain, evidence);
        await editor.command("Gangplank: Add Dev Container Configuration");
        await editor.page.locator(".quick-input-widget:visible .monaco-list-row").first().waitFor();
        await editor.shot("offers");
        await editor.pick("Python");
        await editor.page.locator('.tab.active[data-resource-name="devcontainer.json"]').waitFor();
        const file = join(plain, ".devcontainer/devcontainer.json");
        await until(() => existsSync(file), "the file");
        // comments say what the properties mean
        const written = JSON.parse(readFileSync(file, "utf8").replace(/^\s*\/\/.*$/gm, ""));
        expect(written.name === "plain" && /python/.test(written.image), JSON.stringify(written));
        await editor.close();
      },
      "a Python file runs in the container from a window that is not attached": async () => {
        editor = await Workbench.open(browser, server.url, other, evidence);
        await editor.openFile("tool.py");
        expect((await editor.page.locator('.editor-actions .action-label[aria-label*="Run Python File in Container"]').count()) === 0, "the Run button is there without a container");
        await editor.command("Gangplank: Run Python File in Container");
        await editor.shows(/tool on [0-9a-f]{12}/);
        id = (await sandbox.containers())[0].Id.slice(0, 12);
        await editor.shows(new RegExp(`tool on ${id}`));
        expect(/folder=/.test(editor.page.url()), "the window is no longer the local one");
      },
      "a running container of any kind gets a terminal": async () => {
        await editor.command("Gangplank: Attach to Running Container");
        const [{ Names }] = await sandbox.containers();
        await editor.pick(Names[0].slice(1));
        await editor.prompts();
        await editor.types("echo attached to $(hostname)");
        await editor.shows(new RegExp(`attached to ${id}`));
        await editor.shot("any container");
      },
      "the view stops and starts it": async () => {
        await editor.page.locator('.activitybar .action-item a[aria-label^="Gangplank"]').first().click();
        const row = editor.page.locator(".sidebar .monaco-list-row", { hasText: "other" }).first();
        await row.waitFor();
        const state = async () => (await sandbox.containers())[0].State;
        await row.hover();
        await row.getByRole("button", { name: "Stop Container" }).click();
        await until(async () => (await state()) === "exited", "stopped");
        await row.filter({ hasText: "stopped" }).waitFor();
        await row.hover();
        await row.getByRole("button", { name: "Start Container" }).click();
        await until(async () => (await state()) === "running", "running");
        await row.filter({ hasText: "running" }).waitFor();
      },
    },
  };
}
