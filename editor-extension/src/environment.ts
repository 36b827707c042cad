/** What of this extension host's environment travels with the greeting and with requests. In memory only. */

/** The variables that lead to an engine and to credentials, for the greeting. */
export function engineEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  return pick(environment, (name) => name.startsWith("DOCKER_") || ["HOME", "PATH", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"].includes(name));
}

/** The environment for `${localEnv:…}` and host commands, without the editor's own doors into itself. */
export function clientEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  return pick(environment, (name) => !/^(VSCODE_|ELECTRON_)/.test(name));
}

function pick(environment: NodeJS.ProcessEnv, wanted: (name: string) => boolean): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && wanted(name)) picked[name] = value;
  }
  return picked;
}
