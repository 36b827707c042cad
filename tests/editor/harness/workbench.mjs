// A person at the editor: palette, dialogs, notifications, terminal, Explorer, editor. Everything is done by mouse and keys.
import { join } from "node:path";
import { until } from "./report.mjs";

const patience = 30_000;

export class Workbench {
  constructor(page, evidence) {
    this.page = page;
    this.evidence = evidence;
  }

  /** Opens a folder of the server in a new page. */
  static open(browser, url, folder, evidence, options) {
    return Workbench.at(browser, `${url}/?folder=${encodeURIComponent(folder).replaceAll("%2F", "/")}`, evidence, options);
  }

  /** Opens an address in a new page, as that of a window of before. Another port is another editor to the browser, which asks for trust again. */
  static async at(browser, address, evidence, { trust = true } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    await page.goto(address);
    const workbench = new Workbench(page, evidence);
    await workbench.ready();
    if (trust) await workbench.trust();
    return workbench;
  }

  async ready() {
    await this.page.waitForSelector(".monaco-workbench .part.statusbar .statusbar-item", { timeout: 2 * patience });
  }

  /** Answers the question whether the authors are trusted; newer editors do not ask, and are told by the person. */
  async trust(yes = true) {
    const { page } = this;
    const question = this.dialog("Do you trust");
    const banner = page.locator(".part.banner", { hasText: "Restricted Mode" });
    await question.or(banner).first().waitFor();
    if (!yes) {
      // where it is asked, the banner may be there before the question
      const asked = await question.waitFor({ timeout: 3000 }).then(() => true, () => false);
      if (asked) await question.getByRole("button", { name: /^No/ }).click();
      return;
    }
    const agree = question.getByRole("button", { name: /^Yes/ });
    const grant = page.getByRole("button", { name: "Trust", exact: true }).first();
    const manage = banner.getByText("Manage", { exact: true });
    await until(async () => {
      const next = (await agree.isVisible()) ? agree : (await grant.isVisible()) ? grant : manage;
      // what comes in between takes the click's place, and is answered next
      const clicked = await next.click({ timeout: 2000 }).then(() => true, () => false);
      return clicked && next !== manage;
    }, "trust was given");
    await banner.waitFor({ state: "hidden" });
    // newer editors show the page about trust above everything else, and sometimes take it away by themselves
    const above = page.locator(".monaco-modal-editor-block:visible");
    await until(async () => {
      if ((await above.count()) === 0) return true;
      await above.locator('.codicon-close, [aria-label^="Close"]').first().click({ timeout: 1000 }).catch(() => undefined);
      return false;
    }, "the page about trust closed");
  }

  dialog(text) {
    return this.page.locator(".monaco-dialog-box", { hasText: text });
  }

  notification(text) {
    return this.page.locator(".notifications-toasts .notification-list-item", { hasText: text });
  }

  /** Presses a button of a notification. */
  async press(text, button) {
    await this.notification(text).first().getByRole("button", { name: button }).click();
  }

  /** Runs a command from the palette; waits while the extension that has it is still being found. */
  command(title) {
    return this.chosen(title, (row) => row.click());
  }

  /** The same by the keyboard alone. */
  runs(title) {
    return this.chosen(title, async (row) => {
      await until(async () => {
        if (await row.evaluate((each) => each.classList.contains("focused"))) return true;
        await this.page.keyboard.press("ArrowDown");
        return false;
      }, `"${title}" in focus`);
      await this.page.keyboard.press("Enter");
    });
  }

  async chosen(title, choose) {
    const { page } = this;
    const end = Date.now() + patience;
    for (;;) {
      await page.keyboard.press("F1");
      const input = page.locator(".quick-input-widget:visible .quick-input-box input");
      // by its whole name: the palette's own order puts others first
      const quoted = JSON.stringify(title);
      const row = page.locator(`.quick-input-widget:visible .monaco-list-row[aria-label=${quoted}], .quick-input-widget:visible .monaco-list-row[aria-label^=${JSON.stringify(`${title},`)}]`).first();
      try {
        // a terminal that is still coming or going takes the focus, and with it the palette
        await input.fill(`>${title}`, { timeout: 3000 });
        await row.waitFor({ timeout: 3000 });
        await choose(row);
        return;
      } catch (error) {
        await page.keyboard.press("Escape");
        if (Date.now() > end) throw new Error(`no command "${title}" in the palette`, { cause: error });
      }
    }
  }

  /** True when the palette has the command. */
  async offers(title) {
    await this.page.keyboard.press("F1");
    const input = this.page.locator(".quick-input-widget:visible .quick-input-box input");
    await input.waitFor();
    await input.fill(`>${title}`);
    const rows = this.page.locator(".quick-input-widget:visible .monaco-list-row");
    await rows.first().waitFor();
    const found = (await rows.allTextContents()).some((text) => text.includes(title));
    await this.page.keyboard.press("Escape");
    return found;
  }

  /** Picks a row of the list on show. */
  async pick(text) {
    await this.page.locator(".quick-input-widget:visible .monaco-list-row", { hasText: text }).first().click();
  }

  /** Waits until a window for a workspace file has replaced this one. */
  async becomesAttachedWindow(act) {
    await Promise.all([this.page.waitForURL(/workspace=/, { timeout: 4 * patience }), act()]);
    await this.ready();
    // the folder may come after the window, and trust that was given before does not hold for it
    await this.page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({ timeout: 2 * patience });
  }

  /** Reopens the folder by the palette, through the first-time dialog and the window's own question of trust. */
  async reopen() {
    await this.command("Gangplank: Reopen in Container");
    const dialog = this.dialog("in its container?");
    await dialog.waitFor();
    await this.becomesAttachedWindow(() => dialog.getByRole("button", { name: "Reopen in Container" }).click());
    await this.trust();
    return this.attached();
  }

  status() {
    return this.page.locator('.statusbar-item[id="gangplank.gangplank.container"], .statusbar-item[id*="gangplank.container"]');
  }

  /** Waits until the status item says this. */
  async says(text) {
    await this.page.locator(".statusbar-item", { hasText: text }).waitFor();
  }

  /** Waits until the status item says that the window is attached, and gives its text. */
  async attached(timeout = 2 * patience) {
    const item = this.status().locator(".codicon-package");
    await item.waitFor({ timeout });
    return (await this.status().innerText()).trim();
  }

  async openFile(name) {
    await this.page.keyboard.press("Control+P");
    const input = this.page.locator(".quick-input-widget:visible .quick-input-box input");
    await input.waitFor();
    await input.fill(name);
    await this.page.locator(".quick-input-widget:visible .monaco-list-row", { hasText: name }).first().waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  }

  /** The Explorer's row of a file. */
  file(name) {
    return this.page.locator(".explorer-folders-view .monaco-list-row", { hasText: name });
  }

  async terminalText() {
    const rows = await this.page.locator(".terminal-wrapper.active .xterm-rows > div").allTextContents();
    return rows.map((row) => row.replaceAll("\u00a0", " ").trimEnd()).join("\n").trim();
  }

  /** Waits until the terminal on show matches, and gives its text. */
  async shows(pattern, timeout = patience) {
    const end = Date.now() + timeout;
    let text = "";
    while (Date.now() < end) {
      text = await this.terminalText().catch(() => "");
      if (pattern.test(text)) return text;
      await this.page.waitForTimeout(100);
    }
    throw new Error(`the terminal never showed ${pattern}:\n${text}`);
  }

  /** Clicks into the terminal on show and types a line. */
  async types(line) {
    await this.page.locator(".terminal-wrapper.active .xterm-screen").click();
    await this.page.keyboard.type(line);
    await this.page.keyboard.press("Enter");
  }

  /** Follows the link in the terminal's line with this text, so many pixels into it: Ctrl and a click once it says what it opens. */
  async followLink(text, across, says) {
    const { page } = this;
    const row = page.locator(".terminal-wrapper.active .xterm-rows > div", { hasText: text });
    const hover = page.locator(".monaco-hover:visible", { hasText: says });
    await until(async () => {
      const line = await row.boundingBox();
      const [x, y] = [line.x + across, line.y + line.height / 2];
      // the pointer has to come from elsewhere, and the extension to be asked what the line has
      await page.mouse.move(x, y - 60);
      await page.mouse.move(x, y, { steps: 4 });
      if (!(await hover.waitFor({ timeout: 3000 }).then(() => true, () => false))) return false;
      await page.keyboard.down("Control");
      await page.mouse.click(x, y);
      await page.keyboard.up("Control");
      return true;
    }, `a link in the line with ${text}`);
  }

  /** Waits for a terminal that shows a prompt and nothing else: with more it is the one of before. */
  prompts() {
    return this.shows(/^[^\n]*[$#]$/);
  }

  async newTerminal() {
    await this.command("Terminal: Create New Terminal");
    await this.prompts();
  }

  async shot(name) {
    await this.page.screenshot({ path: join(this.evidence, `${name}.png`) });
  }

  async close() {
    await this.page.context().close();
  }
}
