// What people see when it does not work: a failing hook, retried, opened anyway; host effects; cancelling.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "failing hooks, host effects, cancelling";

export function steps({ sandbox, server, browser, evidence }) {
  const folder = sandbox.folder("failing", {
    ".devcontainer/devcontainer.json": {
      name: "Failing",
      image,
      remoteUser: "vscode",
      initializeCommand: "touch ran-on-the-host",
      postCreateCommand: "echo looking for frobnicate; test -e fixed || { echo 'no such package: frobnicate [mend it](command:workbench.action.showCommands)' >&2; exit 3; }",
    },
  });
  const slow = sandbox.folder("slow", { ".devcontainer/devcontainer.json": { name: "Slow", image, postCreateCommand: "echo begun; sleep 600" } });
  let editor;

  return {
    page: () => editor,
    list: {
      "the dialog shows the command for this machine in full before anything ran": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence);
        await editor.command("Gangplank: Reopen in Container");
        const dialog = editor.dialog("Reopen Failing in its container?");
        await dialog.waitFor();
        await editor.shot("effects");
        const said = await dialog.innerText();
        expect(said.includes("initializeCommand") && said.includes("touch ran-on-the-host"), said);
        expect(!existsSync(join(folder, "ran-on-the-host")), "it ran before it was allowed");
      },
      "turning away runs nothing": async () => {
        await editor.dialog("Reopen Failing").getByRole("button", { name: "Cancel" }).click();
        await editor.dialog("Reopen Failing").waitFor({ state: "detached" });
        expect(!existsSync(join(folder, "ran-on-the-host")), "it ran");
        expect((await sandbox.containers()).length === 0, "a container was made");
      },
      "a failing hook is told by its name and its own output": async () => {
        await editor.command("Gangplank: Reopen in Container");
        await editor.dialog("Reopen Failing").getByRole("button", { name: "Reopen in Container" }).click();
        const told = editor.notification("postCreateCommand failed with exit code 3");
        await told.waitFor();
        await editor.shot("failed");
        expect((await told.innerText()).includes("no such package: frobnicate"), await told.innerText());
        expect((await told.locator("a", { hasText: "mend it" }).count()) === 0, "what the hook printed is a link that runs a command");
        expect((await told.innerText()).includes("[mend it] (command:"), await told.innerText());
        expect(existsSync(join(folder, "ran-on-the-host")), "what was allowed did not run");
        expect(/folder=/.test(editor.page.url()), "the window is no longer the local one");
      },
      "the view shows the steps and where it failed": async () => {
        await editor.page.locator('.activitybar .action-item a[aria-label^="Gangplank"]').first().click();
        const step = editor.page.locator(".sidebar .monaco-list-row", { hasText: "exit code 3" });
        await step.waitFor();
        await editor.page.locator(".sidebar .monaco-list-row", { hasText: image }).first().waitFor();
        await editor.shot("views");
      },
      "the log has every line": async () => {
        await editor.press("postCreateCommand failed", "Show Log");
        await until(async () => /looking for frobnicate/.test((await editor.page.locator(".output-view .view-lines, .part.panel .view-lines").allTextContents()).join("\n").replaceAll("\u00a0", " ")), "the hook's output in the log");
        await editor.shot("log");
      },
      "the container can be opened anyway, to look for the cause": async () => {
        await editor.command("Gangplank: Rebuild Container");
        await editor.notification("postCreateCommand failed").waitFor();
        await editor.becomesAttachedWindow(() => editor.press("postCreateCommand failed", "Open Anyway"));
        await editor.trust();
        await editor.attached();
        await editor.newTerminal();
        await editor.types("echo from inside > fixed");
        await until(() => existsSync(join(folder, "fixed")), "the file made in the container");
      },
      "once mended, rebuilding runs the hook and all is well": async () => {
        await editor.command("Gangplank: Rebuild Container");
        const done = async () => (await sandbox.json("status", "--workspace-folder", folder).catch(() => ({ hooks: [] }))).hooks;
        await until(async () => (await done()).find((hook) => hook.hook === "postCreateCommand")?.exitCode === 0, "the hook has run");
        await editor.attached();
        expect((await editor.notification("postCreateCommand failed").count()) === 0, "a failure is still shown");
      },
      "a long hook can be cancelled": async () => {
        await editor.close();
        editor = await Workbench.open(browser, server.url, slow, evidence);
        await editor.command("Gangplank: Reopen in Container");
        await editor.dialog("Reopen Slow").getByRole("button", { name: "Reopen in Container" }).click();
        await editor.notification("postCreateCommand").waitFor();
        await editor.shot("running");
        await editor.press("Opening the container", "Cancel");
        await editor.notification("Opening the container").waitFor({ state: "detached" });
        expect((await editor.page.locator(".notification-list-item-icon.codicon-error").count()) === 0, "an error is shown for what the user wanted");
        const operationId = server.extensionLogs().flatMap((log) => [...log.matchAll(/Opening the container \((op-[^,)\s]+)/g)]).at(-1)?.[1];
        expect(operationId !== undefined, "the log names no operation");
        await until(async () => (await sandbox.call("operation/get", { operationId })).state === "cancelled", "the operation is cancelled");
      },
    },
  };
}
