// The keyboard alone: the offer, the views and their actions, the status item's menu, the walkthrough; and what a screen
// reader says of them.
import { expect, until } from "../harness/report.mjs";
import { image } from "../harness/sandbox.mjs";
import { Workbench } from "../harness/workbench.mjs";

export const name = "keyboard and labels";

export function steps({ sandbox, server, browser, evidence }) {
  const folder = sandbox.folder("keys", { ".devcontainer/devcontainer.json": { name: "Keys", image, remoteUser: "vscode" }, "main.py": "print('keys')\n" });
  let editor;
  const press = (key) => editor.page.keyboard.press(key);
  const state = async () => (await sandbox.containers())[0]?.State;
  const row = () => editor.page.locator(".sidebar .monaco-list-row", { hasText: "keys" }).first();
  /** Opens the focused row's menu and chooses from it. */
  const choose = async (action) => {
    await press("Shift+F10");
    const focused = editor.page.locator(".monaco-menu .action-item.focused");
    await until(async () => {
      await press("ArrowDown");
      return (await focused.textContent({ timeout: 1000 }).catch(() => "")).includes(action);
    }, `${action} in the menu`);
    await press("Enter");
  };
  const focusContainers = async () => {
    // a terminal that is still going takes the focus
    if ((await state()) !== "running") await until(async () => (await editor.page.locator(".terminal-wrapper").count()) === 0, "its terminals are gone");
    await editor.runs("Gangplank: Focus on Dev Containers View");
    await row().waitFor();
    const focused = editor.page.locator(".sidebar .monaco-list:focus .monaco-list-row.focused", { hasText: "keys" });
    // a list that is just being drawn anew takes no keys
    await until(async () => {
      await press("Home");
      return (await focused.count()) === 1;
    }, "the container's row has the focus");
  };

  return {
    page: () => editor,
    list: {
      "the offer is taken": async () => {
        editor = await Workbench.open(browser, server.url, folder, evidence);
        await editor.notification("has a dev container configuration").waitFor();
        await editor.becomesAttachedWindow(() => editor.runs("Notifications: Accept Notification Primary Action"));
        await editor.trust();
        await editor.attached();
      },
      "the status item says in full where one is": async () => {
        const label = await editor.status().locator("a[aria-label]").getAttribute("aria-label");
        const [container] = await sandbox.containers();
        expect(label.startsWith(`${container.Names[0].slice(1)}. Terminals and runs are in the container, as vscode in /workspaces/keys`), label);
      },
      "its menu is chosen from": async () => {
        await editor.runs("Gangplank: Show Container Actions");
        const list = editor.page.locator(".quick-input-widget:visible .monaco-list-row");
        await list.first().waitFor();
        await editor.shot("menu");
        await press("Enter");
        await editor.prompts();
        await editor.page.keyboard.type("echo typed on $(hostname)\n");
        await editor.shows(/typed on [0-9a-f]{12}/);
      },
      "a container of the view has a name for screen readers, and its actions in a menu": async () => {
        await focusContainers();
        const label = await row().getAttribute("aria-label");
        expect(label.startsWith(`keys, this window, running, ${image}, ${sandbox.path}/work`), label);
        await editor.shot("containers");
        await choose("Stop Container");
        await until(async () => (await state()) === "exited", "stopped");
        await row().filter({ hasText: "stopped" }).waitFor();
        expect((await editor.page.locator(".notification-list-item-icon.codicon-error").count()) === 0, "what the user did is told as an error");
        await focusContainers();
        await choose("Start Container");
        await until(async () => (await state()) === "running", "running");
        await editor.attached();
      },
      "the steps of an operation have names for screen readers": async () => {
        await editor.runs("Gangplank: Focus on Operation View");
        const rows = editor.page.locator(".sidebar .monaco-list-row[aria-label*=', done']");
        const labels = () => rows.evaluateAll((all) => all.map((each) => each.getAttribute("aria-label")));
        await until(async () => (await labels()).some((label) => /^Start the container, done, \d/.test(label)), "the step that starts the container, as done");
        await editor.shot("operation");
      },
      "a container is removed": async () => {
        await focusContainers();
        await choose("Remove Container");
        await editor.dialog("Remove the container of").waitFor();
        await editor.shot("remove");
        await press("Enter");
        await until(async () => (await state()) === undefined, "removed");
        await editor.says("Container removed");
        await row().waitFor({ state: "detached" });
        await editor.shot("removed");
      },
      "the walkthrough is read": async () => {
        await editor.runs("Welcome: Open Walkthrough...");
        await editor.page.locator(".quick-input-widget:visible .monaco-list-row").first().waitFor();
        await editor.page.keyboard.type("Work in a Dev Container");
        await editor.page.locator(".quick-input-widget:visible .monaco-list-row", { hasText: "Work in a Dev Container" }).waitFor();
        await press("Enter");
        const steps = editor.page.locator(".getting-started-step");
        await until(async () => (await steps.count()) === 5, "five steps");
        await editor.shot("walkthrough");
      },
    },
  };
}
