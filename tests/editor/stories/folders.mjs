// A window with several folders: each has its own container, and it is asked which is meant.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "a window with several folders";

export function steps({ sandbox, server, browser, evidence }) {
  const files = (which) => ({ ".devcontainer/devcontainer.json": { name: which, image, containerEnv: { WHICH: which } }, [`${which}.txt`]: which });
  const one = sandbox.folder("one", files("one"));
  const two = sandbox.folder("two", files("two"));
  const workspace = join(sandbox.path, "work/both.code-workspace");
  writeFileSync(workspace, JSON.stringify({ folders: [{ path: one }, { path: two }] }));
  let editor;

  return {
    page: () => editor,
    list: {
      "it is asked which folder is meant": async () => {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
        const page = await context.newPage();
        await page.goto(`${server.url}/?workspace=${workspace}`);
        editor = new Workbench(page, evidence);
        await editor.ready();
        await editor.trust();
        await editor.file("two").first().waitFor();
        await editor.command("Gangplank: Reopen in Container");
        await editor.page.locator(".quick-input-widget:visible .monaco-list-row", { hasText: one }).waitFor();
        await editor.shot("which");
        await editor.pick(two);
        const dialog = editor.dialog("Reopen two in its container?");
        await dialog.waitFor();
        await Promise.all([page.waitForURL(/two\.code-workspace/, { timeout: 60_000 }), dialog.getByRole("button", { name: "Reopen in Container" }).click()]);
        await editor.ready();
        await editor.file("two.txt").waitFor();
        await editor.trust();
        await editor.attached();
      },
      "the window is that folder's alone": async () => {
        await editor.file("two.txt").waitFor();
        expect((await editor.file("one.txt").count()) === 0, "the other folder is there too");
        await editor.newTerminal();
        await editor.types("echo in $WHICH at $(pwd)");
        await editor.shows(/in two at \/workspaces\/two/);
        expect((await sandbox.containers()).length === 1, "the other folder has a container too");
      },
    },
  };
}
