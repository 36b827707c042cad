// A user of the editor who shares nothing with any other: a home, a daemon, folders, and containers that go when it ends.
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { promisify } from "node:util";

export const image = process.env.GANGPLANK_TEST_IMAGE ?? "gangplank-test/python:3";
const host = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";

export class Sandbox {
  constructor(program) {
    // short: a Unix socket's path ends at 107 bytes
    this.path = mkdtempSync(join(tmpdir(), "gpe-"));
    for (const name of ["home", "run", "state", "config", "cache", "data", "work", "bin"]) mkdirSync(join(this.path, name), { mode: 0o700 });
    symlinkSync(program, join(this.path, "bin/gangplank"));
    this.environment = {
      PATH: `${join(this.path, "bin")}:${process.env.PATH}`,
      HOME: join(this.path, "home"),
      XDG_RUNTIME_DIR: join(this.path, "run"),
      XDG_STATE_HOME: join(this.path, "state"),
      XDG_CONFIG_HOME: join(this.path, "config"),
      XDG_CACHE_HOME: join(this.path, "cache"),
      XDG_DATA_HOME: join(this.path, "data"),
      DOCKER_HOST: host,
      LANG: "C.UTF-8",
      SHELL: "/bin/bash",
    };
  }

  /** Writes files beneath a folder of `work` and gives the folder's path. */
  folder(name, files) {
    const at = join(this.path, "work", name);
    mkdirSync(at, { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(at, file)), { recursive: true });
      writeFileSync(join(at, file), typeof content === "string" ? content : JSON.stringify(content, undefined, 2));
    }
    // the containers' user writes there too, and has the number 1000
    if (process.getuid() === 0) execFileSync("chown", ["-R", "1000:1000", at]);
    return at;
  }

  /** Runs `gangplank` as this user and gives what it wrote. */
  async gangplank(...args) {
    const { stdout } = await promisify(execFile)(join(this.path, "bin/gangplank"), args, { env: this.environment, cwd: join(this.path, "work") });
    return stdout;
  }

  /** One call of the protocol, as this user's daemon answers it. */
  async call(method, params) {
    const child = spawn(join(this.path, "bin/gangplank"), ["connect", "--stdio"], { env: this.environment, stdio: ["pipe", "pipe", "ignore"] });
    try {
      return await new Promise((resolve, reject) => {
        const send = (id, method, params) => {
          const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
          child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
        };
        let text = "";
        child.stdout.setEncoding("utf8");
        child.stdout.on("data", (data) => {
          text += data;
          const answers = text.split(/Content-Length: \d+\r\n\r\n/).filter((each) => each !== "");
          for (const answer of answers) {
            let message;
            try {
              message = JSON.parse(answer);
            } catch {
              continue;
            }
            if (message.error) reject(new Error(`${method}: ${message.error.message}`));
            else if (message.id === 1 && answers.length === 1) send(2, method, params);
            else if (message.id === 2) resolve(message.result);
          }
        });
        child.once("exit", (code) => reject(new Error(`connect ended with ${code}`)));
        const hello = { protocolVersion: { major: 1, minor: 0 }, client: { name: "test", version: "1" }, environment: { DOCKER_HOST: host } };
        send(1, "daemon/hello", hello);
      });
    } finally {
      child.kill();
    }
  }

  async json(...args) {
    return JSON.parse(await this.gangplank(...args, "--format", "json"));
  }

  /** The containers of this sandbox's folders, as the engine has them. */
  async containers() {
    const all = await engine("GET", "/containers/json?all=true");
    return all.filter((each) => (each.Labels["devcontainer.local_folder"] ?? "").startsWith(this.path));
  }

  /** Kills the daemon as nothing could prevent. */
  async killDaemon() {
    const { pid } = await this.json("daemon", "status");
    process.kill(pid, "SIGKILL");
    return pid;
  }

  async end() {
    try {
      execFileSync(join(this.path, "bin/gangplank"), ["daemon", "stop"], { env: this.environment, stdio: "ignore" });
    } catch {
      // none runs
    }
    for (const { Id } of await this.containers()) await engine("DELETE", `/containers/${Id}?force=true&v=true`);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** One request to the engine's own API. */
export function engine(method, path) {
  const socketPath = host.replace(/^unix:\/\//, "");
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
        else resolve(text === "" ? undefined : JSON.parse(text));
      });
    });
    call.on("error", reject);
    call.end();
  });
}
