/** The parts of the editor's API that the tested modules use. */
export const l10n = {
  t: (text: string, ...values: unknown[]): string => text.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])),
};

export class Uri {
  private constructor(
    readonly scheme: string,
    readonly fsPath: string,
  ) {}
  static file(path: string): Uri {
    return new Uri("file", path);
  }
}

/** What the window says about itself; tests change it. */
export const env: { remoteName: string | undefined } = { remoteName: undefined };
export const workspace = { isTrusted: true, workspaceFolders: undefined };

/** Nothing is shown, and no button is pressed. */
export const window = {};
export const commands = {};
export const ProgressLocation = { Notification: 15 };
