// What the extension costs: activation, click to prompt, the memory of one terminal's client. `cargo measure --editor` runs
// it with a release build.
import { readFileSync, readdirSync } from "node:fs";
import { CodeServer, browser as launch } from "./harness/code-server.mjs";
import { editor as installed, evidence, program, vsix } from "./harness/place.mjs";
import { Sandbox, image } from "./harness/sandbox.mjs";
import { Workbench } from "./harness/workbench.mjs";

const runs = 5;
const install = installed(process.env.CODE_SERVER ?? "4.100.3");
const extension = vsix(`${install}/bin/node`);
const browser = await launch(install);
const sandbox = new Sandbox(program());
const server = new CodeServer(install, sandbox);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** From the click on "new terminal" to its prompt. */
async function toPrompt(editor) {
  await editor.command("Terminal: Kill All Terminals");
  await editor.page.locator(".terminal-wrapper").first().waitFor({ state: "detached" });
  const begun = performance.now();
  await editor.page.keyboard.press("Control+Shift+Backquote");
  await editor.page.waitForFunction(() => /[$#]\s*$/m.test(document.querySelector(".terminal-wrapper.active .xterm-rows")?.textContent?.replaceAll("\u00a0", " ").trimEnd() ?? ""));
  return performance.now() - begun;
}

try {
  server.installExtension(extension.path);
  await server.start();
  const folder = sandbox.folder("bench", { ".devcontainer/devcontainer.json": { name: "Bench", image } });
  const editor = await Workbench.open(browser, server.url, folder, evidence("bench"));
  await editor.command("Terminal: Create New Terminal");
  const local = [];
  for (let run = 0; run < runs; run++) local.push(await toPrompt(editor));
  const begun = performance.now();
  await editor.reopen();
  const reopened = performance.now() - begun;
  await editor.newTerminal();
  const inside = [];
  for (let run = 0; run < runs; run++) inside.push(await toPrompt(editor));
  const clients = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${sandbox.path}/bin/gangplank\0shell`);
      } catch {
        return false;
      }
    });
  const memory = clients.map((pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]));
  const reloads = [];
  for (let run = 0; run < runs; run++) {
    const before = performance.now();
    await editor.page.reload();
    await editor.ready();
    await editor.attached();
    reloads.push(performance.now() - before);
  }
  const activations = server.extensionLogs().flatMap((log) => [...log.matchAll(/activated in (\d+) ms/g)].map((match) => Number(match[1])));
  const shown = (values, unit) => `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}) ${unit}`;
  console.log(`| work | median (least to most) |
|---|---|
| activation of the extension | ${shown(activations, "ms")} |
| click to prompt, a terminal on this machine | ${shown(local, "ms")} |
| click to prompt, a terminal in the container | ${shown(inside, "ms")} |
| first Reopen in Container, with the person's clicks | ${reopened.toFixed(0)} ms |
| reload of the window to attached | ${shown(reloads, "ms")} |
| memory of one terminal's client (PSS) | ${shown(memory, "kB")} |
| package without the program | ${extension.bytes} bytes |`);
  await editor.close();
} finally {
  await browser.close();
  await server.stop();
  await sandbox.end();
}
