/** Quoting for shells. Pure. */

const control = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * One word for a POSIX shell, whatever is in it. Control characters are spelled out: typed into a terminal they would
 * be keys.
 */
export function quoted(word: string): string {
  if (control.test(word)) return `"$(printf '${octal(word)}')"`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The word as a format of `printf`: everything but plain characters as its bytes. */
function octal(word: string): string {
  return [...Buffer.from(word, "utf8")]
    .map((byte) => (/[\w./-]/.test(String.fromCharCode(byte)) && byte < 128 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`))
    .join("");
}
