/** What changed in a configuration between two texts of it. Pure. */
import { isDeepStrictEqual } from "node:util";
import { parse, type ParseError } from "jsonc-parser";

/**
 * The properties whose values differ; comments, layout and order do not count. Nothing when the new text cannot be
 * read, as in the middle of an edit.
 */
export function changedProperties(before: string, after: string): string[] | undefined {
  const [old, now] = [read(before), read(after)];
  if (now === undefined) return undefined;
  const names = new Set([...Object.keys(old ?? {}), ...Object.keys(now)]);
  return [...names].filter((name) => !isDeepStrictEqual(old?.[name], now[name])).sort();
}

function read(text: string): Record<string, unknown> | undefined {
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(/^\ufeff/, ""), errors, { allowTrailingComma: true });
  if (errors.length > 0 || typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Record<string, unknown>;
}
