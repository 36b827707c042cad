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

interface Progress {
  report: (value: { message: string }) => void;
}
interface Token {
  onCancellationRequested: (listener: () => void) => void;
}

/** What is shown, and how the present progress is cancelled. */
export const shown: { titles: string[]; messages: string[]; cancel: () => void } = { titles: [], messages: [], cancel: () => undefined };
export const window = {
  withProgress: <T>({ title }: { title: string }, run: (progress: Progress, token: Token) => T): T => {
    shown.titles.push(title);
    const report: Progress["report"] = ({ message }) => shown.messages.push(message);
    const onCancellationRequested: Token["onCancellationRequested"] = (listener) => {
      shown.cancel = listener;
    };
    return run({ report }, { onCancellationRequested });
  },
};
export const commands = { executeCommand: (): Promise<void> => Promise.resolve() };
export class EventEmitter {
  readonly event = (): void => undefined;
  readonly fire = (): void => undefined;
  readonly dispose = (): void => undefined;
}
export const ProgressLocation = { Notification: 15 };
