// Stories and their steps: what passed, what failed, what was tried once more.

export class Report {
  passed = 0;
  failed = 0;
  retried = 0;

  constructor() {
    this.begun = Date.now();
  }

  /** Runs a story whose steps build on each other: after a failed one the rest of it counts as failed too. */
  async story(name, steps, onFailure) {
    console.log(`\n${name}`);
    let broken = false;
    for (const [step, run] of Object.entries(steps)) {
      if (broken) {
        this.failed++;
        console.log(`  not run  ${step}`);
        continue;
      }
      const begun = Date.now();
      try {
        const said = await run();
        this.passed++;
        console.log(`  ok ${((Date.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${step}${said === undefined ? "" : `: ${said}`}`);
      } catch (error) {
        this.failed++;
        broken = true;
        console.log(`  FAILED   ${step}: ${error.message}`);
        await onFailure?.(step, error);
      }
    }
  }

  finish() {
    const seconds = ((Date.now() - this.begun) / 1000).toFixed(0);
    console.log(`\n${seconds} s, ${this.retried} retried`);
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 && this.retried < 2;
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
