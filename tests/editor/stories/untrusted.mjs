// A window that is not trusted: nothing of the repository runs, whatever is asked.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "an untrusted window";

export function steps({ sandbox, server, browser, evidence }) {
  const hostile = join(sandbox.path, "work/hostile");
  const folder = sandbox.folder("hostile", {
    ".devcontainer/devcontainer.json": { name: "Hostile", image, initializeCommand: "touch canary" },
    // a repository that wants to choose the program
    ".vscode/settings.json": { "gangplank.path": join(hostile, "evil.sh"), "gangplank.dockerContext": "evil" },
    "evil.sh": "#!/bin/sh\ntouch " + join(hostile, "canary") + "\n",
    "main.py": "print('hello')\n",
  });
  // keys reach commands past the menus, as other extensions do
  const user = join(server.state, "user-data/User");
  mkdirSync(user, { recursive: true });
  const keys = ["gangplank.reopenInContainer", "gangplank.rebuild", "gangplank.newTerminal", "gangplank.runPythonFile", "gangplank.attachToContainer"];
  writeFileSync(join(user, "keybindings.json"), JSON.stringify(keys.map((command, index) => ({ key: `ctrl+alt+${index + 1}`, command }))));
  const untouched = async () => {
    expect(!existsSync(join(folder, "canary")), "something of the repository ran");
    expect(!existsSync(join(sandbox.path, "state/gangplank")), "a daemon was started");
    expect((await sandbox.containers()).length === 0, "a container was made");
  };
  let editor;

  return {
    page: () => editor,
    list: {
      "nothing is offered": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence, { trust: false });
        await editor.trust(false);
        await editor.file("main.py").waitFor();
        // what the extension offers without trust shows that it is there
        await until(() => editor.offers("Gangplank: Show Log"), "the extension in the palette");
        expect(!(await editor.offers("Gangplank: Reopen in Container")), "the palette offers it");
        expect((await editor.notification("has a dev container configuration").count()) === 0, "the prompt is shown");
        await untouched();
      },
      "commands that come past the menus are refused": async () => {
        let refusals = 0;
        for (const [index, command] of keys.entries()) {
          await editor.page.keyboard.press(`Control+Alt+${index + 1}`);
          const refusal = editor.notification("This window is in Restricted Mode");
          const shown = await refusal.first().waitFor({ timeout: 5000 }).then(() => true, () => false);
          if (index === 0) await editor.shot("refused");
          if (shown) await refusal.first().locator(".codicon-notifications-clear").click();
          // the editor itself may hold a key back by the command's own condition, which is as good
          await untouched();
          if (shown) refusals++;
          else console.log(`    ${command}: held back by the editor`);
        }
        expect(refusals > 0, "no command came as far as the extension, so its own refusal was not seen");
      },
      "trusting the folder offers the container, with the machine's own program": async () => {
        await editor.command("Workspaces: Manage Workspace Trust");
        await editor.page.getByRole("button", { name: "Trust", exact: true }).first().click();
        const offer = editor.notification("has a dev container configuration");
        await offer.waitFor();
        await editor.shot("offer");
        // the offer shows all that the dialog would, so it is the only question
        expect((await offer.innerText()).includes("initializeCommand: touch canary"), await offer.innerText());
        expect(!existsSync(join(folder, "canary")) && (await sandbox.containers()).length === 0, "something was done before it was agreed to");
        await editor.becomesAttachedWindow(() => editor.press("has a dev container configuration", "Reopen in Container"));
        await editor.trust();
        await editor.attached();
        expect(existsSync(join(folder, "canary")), "the command of the trusted configuration did not run");
      },
    },
  };
}
