// What changes beneath the attached window: closed terminals, a stopped container, leave that is missing, a rebuild in
// the middle of an attempt, and a window that comes back.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "closed terminals, stopped containers, windows that come back";

export function steps({ sandbox, server, browser, evidence }) {
  const folder = sandbox.folder("life", {
    ".devcontainer/devcontainer.json": { name: "Life", image, remoteUser: "vscode", postStartCommand: "test ! -e slow || sleep 600" },
    ".vscode/tasks.json": {
      version: "2.0.0",
      tasks: [{ label: "wait", type: "gangplank", command: "sh", args: ["-c", "echo $$ > task.pid; echo waiting; sleep 600"], problemMatcher: [] }],
    },
  });
  const inside = (...command) => sandbox.gangplank("exec", "--workspace-folder", folder, "--", ...command);
  const lives = async (pid) => inside("sh", "-c", `kill -0 ${pid} 2>/dev/null && echo lives || echo gone`).then((said) => said.trim() === "lives");
  const pidIn = async (file) => {
    await until(() => existsSync(join(folder, file)) && readFileSync(join(folder, file), "utf8").trim() !== "", `${file} written`);
    return readFileSync(join(folder, file), "utf8").trim();
  };
  let editor;
  let shell;

  return {
    page: () => editor,
    list: {
      "the folder is reopened": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence);
        await editor.reopen();
      },
      "killing a terminal ends its shell and what runs in it": async () => {
        await editor.newTerminal();
        await editor.types("echo $$ > shell.pid; sleep 601 & echo $! > child.pid; fg");
        const [shell, child] = [await pidIn("shell.pid"), await pidIn("child.pid")];
        expect((await lives(shell)) && (await lives(child)), "they do not live in the first place");
        await editor.command("Terminal: Kill the Active Terminal Instance");
        await until(async () => !(await lives(shell)) && !(await lives(child)), "both are gone");
      },
      "terminating a task ends its processes": async () => {
        await editor.command("Tasks: Run Task");
        await editor.pick("wait");
        await editor.shows(/waiting/);
        const pid = await pidIn("task.pid");
        expect(await lives(pid), "it does not live in the first place");
        await editor.command("Tasks: Terminate Task");
        await editor.pick("wait");
        await until(async () => !(await lives(pid)), "it is gone");
      },
      "a terminal that goes with its window comes back with the next one": async () => {
        await editor.command("Terminal: Kill All Terminals");
        await editor.newTerminal();
        await editor.types("MARK=kept; echo $$ > again.pid; clear; echo before the $((1+1))nd");
        await editor.shows(/before the 2nd/);
        shell = await pidIn("again.pid");
        const address = new URL(editor.page.url());
        await editor.close();
        await server.stop();
        await server.start();
        editor = await Workbench.at(browser, `${server.url}/${address.search}`, evidence);
        await editor.attached();
        await editor.shows(/before the 2nd/);
        await editor.shot("back");
        await editor.types("echo $MARK $$ .");
        await editor.shows(new RegExp(`kept ${shell} \\.`));
      },
      "a configuration that reads more of this machine is reviewed before a terminal gets it": async () => {
        const file = join(folder, ".devcontainer/devcontainer.json");
        const configuration = JSON.parse(readFileSync(file, "utf8"));
        writeFileSync(file, JSON.stringify({ ...configuration, remoteEnv: { FROM_HERE: "${localEnv:XDG_CONFIG_HOME}" } }, undefined, 2));
        const told = editor.notification("New terminals are refused");
        await told.waitFor();
        await editor.shot("leave");
        expect((await told.innerText()).includes("XDG_CONFIG_HOME"), await told.innerText());
        await editor.press("New terminals are refused", "Review and Allow");
        const dialog = editor.dialog("acts on your machine");
        await dialog.waitFor();
        await editor.shot("review");
        await dialog.getByRole("button", { name: "Allow and Continue" }).click();
        await editor.attached();
        await editor.newTerminal();
        await editor.types("echo from $FROM_HERE .");
        await editor.shows(new RegExp(`from ${sandbox.path}/config \\.`));
      },
      "a container stopped from outside is said, and can be started": async () => {
        const [container] = await sandbox.containers();
        await sandbox.gangplank("stop", container.Id);
        await editor.says("Container stopped");
        await editor.notification("was stopped; its terminals ended").waitFor();
        await editor.shot("stopped");
        // a terminal that is still going takes the focus, and with it the list
        await until(async () => (await editor.page.locator(".terminal-wrapper").count()) === 0, "its terminals are gone");
        await editor.status().click();
        await editor.pick("Start Container");
        await editor.attached();
        expect((await sandbox.containers())[0].State === "running", "it does not run");
        await editor.newTerminal();
      },
      "a container stopped by its own window is no news, and its status item starts it": async () => {
        await editor.command("Notifications: Clear All Notifications");
        await editor.command("Gangplank: Stop Container");
        await editor.says("Container stopped");
        await until(async () => (await sandbox.containers())[0].State === "exited", "it is stopped");
        await editor.shot("stopped here");
        expect((await editor.notification("was stopped; its terminals ended").count()) === 0, "what the user did is told as news");
        // a terminal that is still going takes the focus, and with it the list
        await until(async () => (await editor.page.locator(".terminal-wrapper").count()) === 0, "its terminals are gone");
        await editor.status().click();
        await editor.pick("Start Container");
        await editor.attached();
        await editor.newTerminal();
      },
      "a rebuild asked for while the container is being opened is done": async () => {
        const [before] = await sandbox.containers();
        writeFileSync(join(folder, "slow"), "");
        await sandbox.gangplank("stop", before.Id);
        await editor.says("Container stopped");
        await editor.status().click();
        await editor.pick("Start Container");
        await editor.notification("postStartCommand").waitFor();
        await editor.command("Gangplank: Rebuild Container");
        const made = await until(async () => (await sandbox.containers()).find((each) => each.Id !== before.Id && each.State === "running"), "another container");
        expect(made !== undefined, "no other container");
        await editor.notification("postStartCommand").waitFor();
        await editor.shot("rebuilding");
        await editor.press("Rebuilding the container", "Cancel");
        await editor.says("Not attached");
      },
    },
  };
}
