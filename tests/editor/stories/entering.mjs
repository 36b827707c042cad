// The window that becomes an attached one: what is run once is run once, and what goes on does not hold it up.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
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
      },
    },
  };
}
