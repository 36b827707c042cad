// The window that becomes an attached one, and comes back: what is run once is run once, what goes on does not hold it up,
// and what changed meanwhile is told.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { otherExtension } from "../harness/place.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "entering the container's window";

export function steps({ sandbox, server, browser, evidence }) {
  const folder = sandbox.folder("entering", {
    ".devcontainer/devcontainer.json": {
      name: "Entering",
      image,
      remoteUser: "vscode",
      initializeCommand: "echo once >> initialized",
      postAttachCommand: "echo once >> attached; test ! -e long || sleep 600",
    },
  });
  server.installExtension(otherExtension(server.node));
  const times = (file) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").split("\n").length - 1 : 0);
  let editor;

  return {
    page: () => editor,
    list: {
      "the commands of the two windows are run once": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence);
        await editor.reopen();
        expect(times("initialized") === 1 && times("attached") === 1, `initializeCommand ran ${times("initialized")} times, postAttachCommand ${times("attached")} times`);
      },
      "a window that attaches by itself runs them": async () => {
        await editor.page.reload();
        await editor.ready();
        await editor.attached();
        expect(times("initialized") === 2 && times("attached") === 2, `initializeCommand ran ${times("initialized")} times, postAttachCommand ${times("attached")} times`);
      },
      "a postAttachCommand that goes on is the attached window's": async () => {
        await Promise.all([editor.page.waitForURL(/folder=/), editor.command("Gangplank: Reopen Locally")]);
        await editor.ready();
        writeFileSync(join(folder, "long"), "");
        await editor.becomesAttachedWindow(() => editor.command("Gangplank: Reopen in Container"));
        await editor.notification("postAttachCommand").waitFor();
        await editor.shot("goes on");
        expect(times("initialized") === 3 && times("attached") === 3, `initializeCommand ran ${times("initialized")} times, postAttachCommand ${times("attached")} times`);
        await editor.press("postAttachCommand", "Cancel");
        await editor.says("Not attached");
        expect((await sandbox.containers())[0].State === "running", "the container does not run");
        rmSync(join(folder, "long"));
        await editor.command("Gangplank: Retry Opening the Container");
        await editor.attached();
      },
      "the window is in the list of recent ones": async () => {
        await editor.command("File: Open Recent...");
        await editor.page.locator(".quick-input-widget:visible .monaco-list-row", { hasText: "entering (Workspace)" }).first().waitFor();
        await editor.shot("recent");
        await editor.page.keyboard.press("Escape");
      },
      "another extension's terminal is in the container": async () => {
        await editor.command("Other: Make a Terminal");
        const [{ Id }] = await sandbox.containers();
        await editor.shows(new RegExp(`made by another on ${Id.slice(0, 12)} in /workspaces/entering \\.`));
      },
      "a configuration changed while no window was open is told when one is": async () => {
        const address = editor.page.url();
        await editor.close();
        const file = join(folder, ".devcontainer/devcontainer.json");
        writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), containerEnv: { LATER: "yes" } }));
        editor = await Workbench.at(browser, address, evidence);
        await editor.attached();
        const told = editor.notification("devcontainer.json changed: containerEnv.");
        await told.waitFor();
        await editor.shot("changed");
        await editor.press("devcontainer.json changed", "Not Now");
        await told.waitFor({ state: "detached" });
      },
      "what the user does not want is not offered again": async () => {
        await editor.page.reload();
        await editor.ready();
        await editor.attached();
        await until(() => server.extensionLogs().at(-1).includes("the configuration is other than"), "the change was looked at");
        expect((await editor.notification("devcontainer.json changed").count()) === 0, "it is offered again");
      },
      "an image that cannot be had again leaves the container": async () => {
        const [{ Id }] = await sandbox.containers();
        await editor.command("Gangplank: Rebuild Without Cache");
        const told = editor.page.locator(".notifications-toasts .notification-list-item", { has: editor.page.getByRole("button", { name: "Retry" }) });
        await told.waitFor();
        await editor.attached();
        await editor.shot("not pulled");
        const containers = await sandbox.containers();
        expect(containers.length === 1 && containers[0].Id === Id && containers[0].State === "running", "the container is another, or does not run");
      },
    },
  };
}
