// The daemon is killed in the middle of each story, and the editor's server too.
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "the daemon killed in the middle";

export function steps({ sandbox, server, browser, evidence }) {
  const folder = sandbox.folder("Ördner mit Blank", {
    ".devcontainer/devcontainer.json": { name: "Ä", image, remoteUser: "vscode", postCreateCommand: "echo begun; touch /tmp/begun; until test -e /tmp/on; do sleep 0.1; done" },
    "mäin prögram.py": "import socket\nprint('ran on', socket.gethostname())\n",
  });
  let editor;
  let id;

  return {
    page: () => editor,
    list: {
      "while the container is being opened: it is said, and Retry joins the hook, which went on": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence);
        await editor.command("Gangplank: Reopen in Container");
        await editor.dialog("in its container?").getByRole("button", { name: "Reopen in Container" }).click();
        await editor.notification("postCreateCommand").waitFor();
        const inContainer = (...command) => sandbox.gangplank("exec", "--workspace-folder", folder, "--", ...command);
        await until(async () => (await inContainer("ls", "/tmp").catch(() => "")).includes("begun"), "the hook runs");
        await sandbox.killDaemon();
        await editor.notification("The daemon ended while it worked").waitFor();
        await editor.shot("interrupted");
        await editor.becomesAttachedWindow(async () => {
          await editor.press("The daemon ended while it worked", "Retry");
          await editor.notification("postCreateCommand").waitFor();
          await inContainer("touch", "/tmp/on");
        });
        await editor.trust();
        await editor.attached();
        id = (await sandbox.containers())[0].Id.slice(0, 12);
      },
      "beside an open terminal: it goes on by itself, with what was in it": async () => {
        await editor.newTerminal();
        await editor.types("kept=one; echo $(hostname) $kept");
        await editor.shows(new RegExp(`${id} one`));
        const pid = await sandbox.killDaemon();
        await until(async () => (await sandbox.json("daemon", "status").catch(() => ({ pid }))).pid !== pid, "another daemon, started by the window itself");
        await editor.types("echo $(hostname) $(pwd) $kept two");
        await editor.shows(new RegExp(`${id} /workspaces/Ördner mit Blank one two`));
        await editor.shot("after the kill");
      },
      "before Run: the file runs": async () => {
        await editor.openFile("mäin prögram.py");
        await sandbox.killDaemon();
        await editor.page.locator('.editor-actions .action-label[aria-label*="Run Python File in Container"]').click();
        await editor.shows(new RegExp(`ran on ${id}`));
        await editor.shot("run");
      },
      "a second window on the same folder shares the container": async () => {
        const first = editor;
        const page = await first.page.context().newPage();
        await page.goto(first.page.url());
        editor = new Workbench(page, evidence);
        await editor.ready();
        await editor.attached();
        await editor.newTerminal();
        await editor.types("echo $(hostname) second");
        await editor.shows(new RegExp(`${id} second`));
        expect((await sandbox.containers()).length === 1, "there is more than one container");
        await page.close();
        editor = first;
        await editor.types("echo still here");
        await editor.shows(/still here\n/);
      },
      "closed and opened again with a new server, the window attaches by itself": async () => {
        const address = new URL(editor.page.url());
        await editor.close();
        await server.stop();
        const [container] = await sandbox.containers();
        await sandbox.gangplank("stop", container.Id);
        await server.start();
        editor = await Workbench.at(browser, `${server.url}/${address.search}`, evidence);
        await editor.attached();
        // the container was stopped meanwhile, so the terminals of before are gone, and that is said
        await editor.notification("ended while no window was open").waitFor();
        await editor.shot("again");
        await editor.newTerminal();
        await editor.types("echo $(hostname) again");
        await editor.shows(new RegExp(`${id} again`));
      },
    },
  };
}
