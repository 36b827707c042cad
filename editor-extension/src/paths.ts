/** Host paths and container paths, by what is mounted where. Pure. */
import type { MountPoint } from "gangplank-protocol";
import { posix } from "node:path";

/** Something that is in both places. */
export interface Shared {
  host: string;
  container: string;
}

/**
 * What host and container share, the most specific first.
 * @param workspace the folder itself, which goes before the mount that carries it
 */
export function sharedPaths(workspace: Shared, mounts: readonly MountPoint[]): Shared[] {
  const binds = mounts.filter((mount) => mount.kind === "bind").map((mount) => ({ host: mount.source, container: mount.target }));
  return [workspace, ...binds].sort((a, b) => b.container.length - a.container.length);
}

/** The host's path of a path in the container; nothing when it exists there only. */
export function toHost(shared: readonly Shared[], path: string): string | undefined {
  return moved(posix.normalize(path), [...shared].map(({ host, container }) => ({ from: container, to: host })));
}

/** The container's path of a path on the host; nothing when the container cannot see it. */
export function toContainer(shared: readonly Shared[], path: string): string | undefined {
  const byHost = [...shared].sort((a, b) => b.host.length - a.host.length);
  return moved(path, byHost.map(({ host, container }) => ({ from: host, to: container })));
}

function moved(path: string, ways: readonly { from: string; to: string }[]): string | undefined {
  for (const { from, to } of ways) {
    if (path === from) return to;
    const prefix = from.endsWith("/") ? from : `${from}/`;
    if (path.startsWith(prefix)) return posix.join(to, path.slice(prefix.length));
  }
  return undefined;
}
