// Reopen in Container, a terminal, Run, reload, and back: the three stories, one after the other, in one window.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

const main = 'import os, socket\nprint("This is main.py")\nprint("in", os.getcwd(), "on", socket.gethostname())\n';

export const name = "the three stories";

export function steps({ sandbox, server, browser, evidence }) {
  const folder = sandbox.folder("hello", {
    ".devcontainer/devcontainer.json": {
      name: "Hello",
      image,
      remoteUser: "vscode",
      postCreateCommand: "echo made > /tmp/made",
      customizations: { vscode: { extensions: ["ms-python.python"] } },
    },
    "main.py": main,
  });
  let editor;
  let id;
  let shell;
  const text = (file) => readFileSync(join(folder, file), "utf8");

  return {
    page: () => editor,
    list: {
      "a folder with a configuration is offered its container": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence);
        const offer = editor.notification("has a dev container configuration");
        await offer.waitFor();
        await editor.shot("offer");
        const said = await offer.innerText();
        expect(/ms-python\.python/.test(said) && /does nothing to this machine/.test(said) && /can change the folder's files/.test(said), said);
        expect((await sandbox.containers()).length === 0, "a container was made before anybody asked for one");
      },
      "it is offered once": async () => {
        await editor.page.reload();
        await editor.ready();
        await editor.file("main.py").waitFor();
        // a command of the extension runs after its activation, which is when it would offer
        await editor.command("Gangplank: Show Log");
        await editor.shot("once");
        expect((await editor.notification("has a dev container configuration").count()) === 0, "it is offered again");
      },
      "the window comes back as an attached one": async () => {
        await editor.command("Gangplank: Reopen in Container");
        const dialog = editor.dialog("Reopen Hello in its container?");
        await dialog.waitFor();
        await editor.shot("dialog");
        const text = await dialog.innerText();
        expect(/ms-python\.python/.test(text) && /does nothing to this machine/.test(text), text);
        await editor.becomesAttachedWindow(() => dialog.getByRole("button", { name: "Reopen in Container" }).click());
        await editor.trust();
        const said = await editor.attached();
        await editor.shot("attached");
        const [container, ...others] = await sandbox.containers();
        expect(container !== undefined && others.length === 0 && container.State === "running", "there is not exactly one running container");
        expect(said.includes(container.Names[0].slice(1)), `the status item says ${said}`);
        id = container.Id.slice(0, 12);
        expect(!existsSync(join(folder, ".vscode")), "something was written into the folder");
        return said;
      },
      "a new terminal is in the container, as its user, with its hook done": async () => {
        await editor.newTerminal();
        await editor.types("echo $(id -un) $(hostname) $(pwd) $(cat /tmp/made)");
        await editor.shows(new RegExp(`vscode ${id} /workspaces/hello made`));
        await editor.types("MARK=kept; echo $$ > /tmp/shell; clear; echo before the $((1+1))nd");
        await editor.shows(/before the 2nd/);
        shell = (await sandbox.gangplank("exec", "--workspace-folder", folder, "--", "cat", "/tmp/shell")).trim();
        await editor.shot("terminal");
      },
      "a file made in the terminal appears in the Explorer": async () => {
        await editor.types("echo from the container > made-there.txt");
        await editor.file("made-there.txt").waitFor();
        expect(text("made-there.txt") === "from the container\n", "its content is another");
      },
      "the terminal keeps its process and its screen over a reload": async () => {
        await editor.page.reload();
        await editor.ready();
        await editor.attached();
        await editor.shows(/before the 2nd/);
        await editor.types("echo $MARK $$ .");
        await editor.shows(new RegExp(`kept ${shell} \\.`));
      },
      "a split terminal is in the container too": async () => {
        await editor.command("Terminal: Split Terminal");
        await until(async () => (await editor.page.locator(".terminal-wrapper.active").count()) === 2, "two terminals side by side");
        await editor.page.keyboard.type("clear; echo split on $(hostname)\n");
        await until(async () => (await editor.page.locator(".terminal-wrapper.active .xterm-rows").allTextContents()).some((t) => t.replaceAll("\u00a0", " ").includes(`split on ${id}`)), "the split terminal's host name");
        await editor.command("Terminal: Kill the Active Terminal Instance");
      },
      "the Run button runs main.py in the container": async () => {
        await editor.openFile("main.py");
        await editor.page.locator('.editor-actions .action-label[aria-label*="Run Python File in Container"]').click();
        await editor.shows(new RegExp(`This is main\\.py\\s+in /workspaces/hello on ${id}`));
        // the README's picture
        await editor.command("Notifications: Clear All Notifications");
        await editor.shot("run");
      },
      "what is in the editor is what runs": async () => {
        await editor.page.locator(".monaco-editor .view-lines").first().click();
        await editor.page.keyboard.press("Control+End");
        await editor.page.keyboard.type('print("edited", 6 * 7)');
        await editor.page.locator('.editor-actions .action-label[aria-label*="Run Python File in Container"]').click();
        await editor.shows(/edited 42/);
        expect(text("main.py").endsWith('print("edited", 6 * 7)'), "the file was not saved");
      },
      "a changed configuration is offered a rebuild": async () => {
        const file = join(folder, ".devcontainer/devcontainer.json");
        const configuration = JSON.parse(readFileSync(file, "utf8"));
        // a comment alone is no change; were it taken for one, that would be told first
        writeFileSync(file, `// why\n${readFileSync(file, "utf8")}`);
        await editor.page.waitForTimeout(1000);
        writeFileSync(file, JSON.stringify({ ...configuration, containerEnv: { REBUILT: "yes" } }, undefined, 2));
        const told = editor.notification("The container is as it was");
        await told.waitFor();
        await editor.shot("changed");
        expect((await told.innerText()).includes("devcontainer.json changed: containerEnv."), await told.innerText());
      },
      "rebuilding makes another container with the new configuration": async () => {
        await editor.press("The container is as it was", "Rebuild Container");
        const made = await until(async () => (await sandbox.containers()).find((each) => !each.Id.startsWith(id) && each.State === "running"), "another container");
        id = made.Id.slice(0, 12);
        await editor.attached();
        await editor.newTerminal();
        await editor.types("echo $(hostname) REBUILT=$REBUILT");
        await editor.shows(new RegExp(`${id} REBUILT=yes`));
      },
      "Reopen Locally gives the folder back, and a terminal on this machine": async () => {
        await Promise.all([editor.page.waitForURL(/folder=/), editor.command("Gangplank: Reopen Locally")]);
        await editor.ready();
        await editor.file("main.py").waitFor();
        expect((await editor.status().locator(".codicon-package").count()) === 0, "the window still says attached");
        await editor.newTerminal();
        await editor.types("echo on $(pwd) .");
        await editor.shows(new RegExp(`on ${folder} \\.`));
        await editor.shot("local");
      },
    },
  };
}
