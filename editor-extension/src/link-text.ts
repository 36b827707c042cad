/** Paths in a line of a terminal, with line and column where they are told. Pure. */

export interface FoundPath {
  start: number;
  length: number;
  path: string;
  line: number | undefined;
  column: number | undefined;
}

/** `File "/a/b.py", line 3`, as Python tells it, and `/a/b.c:3:7`, as most others do. */
const patterns = [/File "(?<path>\/[^"]+)", line (?<line>\d+)/g, /(?<![\w./-])(?<path>\/(?!\/)[^\s:"'()[\],]+)(?::(?<line>\d+)(?::(?<column>\d+))?|\((?<line2>\d+),(?<column2>\d+)\))?/g];

export function findPaths(text: string): FoundPath[] {
  const found: FoundPath[] = [];
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) {
      const groups = match.groups ?? {};
      const start = match.index;
      if (found.some((each) => start < each.start + each.length && each.start < start + match[0].length)) continue;
      found.push({
        start,
        length: match[0].length,
        path: groups["path"] ?? "",
        line: number(groups["line"] ?? groups["line2"]),
        column: number(groups["column"] ?? groups["column2"]),
      });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
