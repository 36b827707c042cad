/** Text that others wrote, made harmless for the places where the editor shows it. Pure. */

/** Left and right marks, embeddings, overrides and isolates, invisible characters, and the tags block. */
const misleading = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
/** What terminals take as commands, with their parameters: `ESC [ … letter`, and `ESC ] … BEL`. */
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * The text as plain text. The editor makes `[label](command:…)` of a message a link that runs a command, so what a hook
 * printed must not reach it as such.
 */
export function plain(text: string): string {
  const visible = text.replace(/\r\n?/g, "\n").replace(escapes, "").replaceAll("\t", " ").replace(misleading, "").replace(control, "\ufffd");
  return visible.replaceAll("](", "] (");
}
