// The extension in a real VS Code in headless Chromium, driven as a person would. Sets up everything but the engine.
//
//   npm test                    everything, on the oldest VS Code that the extension supports
//   npm test -- attach          only the stories whose file names contain a word
//   CODE_SERVER=4.139.1 npm test
//
// DOCKER_HOST names the engine, GANGPLANK_TEST_IMAGE an image on it with Python and a user `vscode`, and
// GANGPLANK_TEST_BINARY the program. The last line is `N passed, N failed`.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CodeServer, browser as launch } from "./harness/code-server.mjs";
import { editor, evidence, program, vsix } from "./harness/place.mjs";
import { Report } from "./harness/report.mjs";
import { Sandbox, engine, image } from "./harness/sandbox.mjs";

const here = dirname(fileURLToPath(import.meta.url));
/** The last code-server that runs on node 20: VS Code 1.100, the oldest that the extension's `engines` names. */
const version = process.env.CODE_SERVER ?? "4.100.3";
const words = process.argv.slice(2);

const report = new Report();
try {
  await run();
} catch (error) {
  report.failed += report.broken(error).failed;
}
process.exitCode = report.finish() ? 0 : 1;

async function run() {
  await engine("GET", `/images/${image}/json`);
  const install = editor(version);
  const extension = vsix(join(install, "bin/node"));
  console.log(`code-server ${version}, extension of ${extension.bytes} bytes, image ${image}`);
  const names = readdirSync(join(here, "stories")).filter((name) => words.length === 0 || words.some((word) => name.includes(word))).sort();
  const browser = await launch(install);
  try {
    for (const file of names) await tellStory(file, install, extension, browser);
  } finally {
    await browser.close();
  }
}

async function tellStory(file, install, extension, browser) {
  const story = await import(`./stories/${file}`);
  const pictures = evidence(`${version}/${file.replace(/\.mjs$/, "")}`);
  for (const old of readdirSync(pictures)) rmSync(join(pictures, old));
  await report.story(story.name, async (run) => {
    const sandbox = new Sandbox(program());
    const server = new CodeServer(install, sandbox);
    let told;
    try {
      server.installExtension(extension.path);
      await server.start();
      told = story.steps({ sandbox, server, browser, evidence: pictures });
      return await run(told.list, async (step) => {
        await told.page()?.shot(`failed ${step}`.replaceAll("/", " ")).catch(() => undefined);
      });
    } finally {
      await told?.page()?.close().catch(() => undefined);
      for (const [index, log] of server.extensionLogs().entries()) writeFileSync(join(pictures, `gangplank-${index}.log`), log);
      await server.stop();
      await sandbox.end();
    }
  });
}
