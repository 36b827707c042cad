// The editor's server and a browser.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const settings = {
  "workbench.startupEditor": "none",
  "workbench.reduceMotion": "on",
  "workbench.tips.enabled": false,
  // the DOM renderer, so that a terminal's text can be read from the page
  "terminal.integrated.gpuAcceleration": "off",
  "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "git.openRepositoryInParentFolders": "never",
  "files.simpleDialog.enable": true,
};

export class CodeServer {
  constructor(install, sandbox) {
    this.install = install;
    this.node = join(install, "bin/node");
    this.entry = join(install, "node_modules/code-server/out/node/entry.js");
    this.state = join(sandbox.path, "code-server");
    const user = join(this.state, "user-data/User");
    mkdirSync(user, { recursive: true });
    mkdirSync(join(this.state, "extensions"), { recursive: true });
    writeFileSync(join(user, "settings.json"), JSON.stringify(settings, undefined, 2));
    // what chooses programs is taken from the machine's own settings only
    const machine = join(this.state, "user-data/Machine");
    mkdirSync(machine, { recursive: true });
    writeFileSync(join(machine, "settings.json"), JSON.stringify({ "gangplank.path": join(sandbox.path, "bin/gangplank") }));
    writeFileSync(join(this.state, "config.yaml"), "auth: none\n");
    this.common = ["--config", join(this.state, "config.yaml"), "--user-data-dir", join(this.state, "user-data"), "--extensions-dir", join(this.state, "extensions")];
    this.environment = { ...sandbox.environment, EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
  }

  installExtension(vsix) {
    execFileSync(this.node, [this.entry, ...this.common, "--force", "--install-extension", vsix], { env: this.environment, stdio: "pipe" });
  }

  async start() {
    const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override", "--ignore-last-opened"];
    const child = spawn(this.node, [this.entry, ...this.common, "--auth", "none", "--bind-addr", "127.0.0.1:0", ...quiet], {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.child = child;
    let log = "";
    const patience = 60_000;
    this.url = await new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`code-server did not listen within ${patience / 1000} s\n${log}`)), patience).unref();
      const read = (data) => {
        log += data;
        const match = /listening on (http:\/\/\S+)/.exec(log);
        if (match) resolve(match[1].replace(/\/$/, ""));
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("exit", (code) => reject(new Error(`code-server ended with ${code}\n${log}`)));
    });
    return this.url;
  }

  /** What the extension wrote into its log, window by window. */
  extensionLogs() {
    const logs = readdirSync(join(this.state, "user-data/logs"), { recursive: true }).filter((name) => name.endsWith("Gangplank.log"));
    return logs.sort().map((name) => readFileSync(join(this.state, "user-data/logs", name), "utf8"));
  }

  async stop() {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGTERM");
    });
    try {
      // its extension hosts wait for windows that will not come back
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // none is left
    }
  }
}

export function browser(install) {
  const { chromium } = createRequire(join(install, "package.json"))("playwright-core");
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
      "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
    ],
  });
}
