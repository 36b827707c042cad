// Stories and their steps: what passed, what failed, what was tried once more.

/** Runs of a story that fail once may be tried once more; more than one of them in a run is a failure all the same. */
const retriesAllowed = 1;

export class Report {
  passed = 0;
  failed = 0;
  retried = 0;

  constructor() {
    this.begun = Date.now();
  }

  /** Runs a story, and once more when it fails. `run` makes everything anew each time. */
  async story(name, run) {
    console.log(`\n${name}`);
    const attempt = () => run((steps, onFailure) => this.steps(steps, onFailure)).catch((error) => this.broken(error));
    let counted = await attempt();
    if (counted.failed > 0 && this.retried <= retriesAllowed) {
      this.retried++;
      console.log("  once more");
      counted = await attempt();
    }
    this.passed += counted.passed;
    this.failed += counted.failed;
  }

  /** What could not even be set up, or not be taken down, counts as one failure. */
  broken(error) {
    console.log(`  FAILED   set-up: ${error.stack ?? error}`);
    return { passed: 0, failed: 1 };
  }

  /** Runs steps that build on each other: after a failed one the rest counts as failed too. */
  async steps(steps, onFailure) {
    const counted = { passed: 0, failed: 0 };
    for (const [step, run] of Object.entries(steps)) {
      if (counted.failed > 0) {
        counted.failed++;
        console.log(`  not run  ${step}`);
        continue;
      }
      const begun = Date.now();
      try {
        const said = await run();
        counted.passed++;
        console.log(`  ok ${((Date.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${step}${said === undefined ? "" : `: ${said}`}`);
      } catch (error) {
        counted.failed++;
        console.log(`  FAILED   ${step}: ${error.message}`);
        await onFailure(step);
      }
    }
    return counted;
  }

  finish() {
    const seconds = ((Date.now() - this.begun) / 1000).toFixed(0);
    console.log(`\n${seconds} s, ${this.retried} retried`);
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 && this.retried <= retriesAllowed;
  }
}

export function expect(holds, what) {
  if (!holds) throw new Error(what);
}

/** Waits until something holds, and gives it. */
export async function until(look, what, timeout = 30_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never came to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
