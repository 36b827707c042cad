// Generated from protocol/src by `cargo generate`; do not edit.

export * from "./types";
export * from "./methods";
export * from "./stream";
