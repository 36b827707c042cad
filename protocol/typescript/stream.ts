// Generated from protocol/src by `cargo generate`; do not edit.

/**
 * The frames of a stream, `/stream/{id}`. One binary WebSocket message is one frame: a kind byte, for the kinds with
 * an offset eight bytes of it (big-endian), then the payload. See the protocol's reference.
 */
export const FrameKind = {
  /** To the process: bytes of standard input at an offset. */
  Stdin: 1,
  /** To the process: standard input ends here. */
  EndOfInput: 2,
  /** To the process: its terminal has this size; JSON `{columns, rows}`. */
  Resize: 3,
  /** To the process: a signal, by its POSIX name without `SIG`. */
  Signal: 4,
  /** Both ways: everything before this offset was taken. From the client it means output, from the daemon input. */
  Acknowledge: 5,
  /** From the process: bytes of standard output at an offset. */
  Stdout: 17,
  /** From the process: bytes of standard error at an offset. */
  Stderr: 18,
  /** From the process: the screen as it was at an offset, to be drawn on a cleared terminal. Several with one offset that follow each other are parts of one screen. */
  Snapshot: 19,
  /** From the process: bytes before this offset are gone and will not come. */
  Gap: 20,
  /** From the process: it ended; JSON `{code?, reason?, message?}`. */
  Exited: 21,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Bytes that may be on their way in one direction without being acknowledged. */
export const credit = 262144;

/** Longest payload of one frame, in bytes. */
export const maxPayload = 65536;

const kindsWithOffset: ReadonlySet<number> = new Set([
  FrameKind.Stdin, FrameKind.Acknowledge, FrameKind.Stdout, FrameKind.Stderr, FrameKind.Snapshot, FrameKind.Gap,
]);

/** A frame as it came: `offset` is 0 for kinds that have none. */
export interface Frame {
  kind: FrameKind;
  offset: number;
  payload: Uint8Array;
}

/** The frame as one WebSocket message. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array, offset = 0): Uint8Array {
  const head = kindsWithOffset.has(kind) ? 9 : 1;
  const message = new Uint8Array(head + payload.length);
  message[0] = kind;
  if (head === 9) new DataView(message.buffer).setBigUint64(1, BigInt(offset));
  message.set(payload, head);
  return message;
}

/** The frame in one WebSocket message; throws when it is none. */
export function decodeFrame(message: Uint8Array): Frame {
  const kind = Object.values(FrameKind).find((known) => known === message[0]);
  if (kind === undefined) throw new Error(`no frame of a stream: kind ${message[0] ?? "missing"}`);
  if (!kindsWithOffset.has(kind)) return { kind, offset: 0, payload: message.subarray(1) };
  if (message.length < 9) throw new Error(`frame of kind ${kind} cut off after ${message.length} bytes`);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  return { kind, offset: Number(view.getBigUint64(1)), payload: message.subarray(9) };
}
