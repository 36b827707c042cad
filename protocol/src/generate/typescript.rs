//! The protocol for TypeScript clients: the types, a map from method names to types, and the stream's frames.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};

use ts_rs::{Config, TS, TypeVisitor};

use crate::catalogue;
use crate::error::ErrorKind;
use crate::stream::{CREDIT, FrameKind, MAX_PAYLOAD};

/// The files of the TypeScript package by name relative to `protocol/typescript`, each with its content.
pub fn typescript() -> Vec<(String, String)> {
    let mut generator = schemars::SchemaGenerator::default();
    let entries = catalogue::entries(&mut generator);
    let mut declarations = Declarations::default();
    for entry in &entries {
        (entry.declare)(&mut declarations);
    }
    declarations.add::<crate::error::ErrorData>();
    declarations.add::<crate::daemon::DaemonRecord>();
    declarations.add::<crate::image::ImagePullResult>();
    declarations.add::<crate::container::ContainerRunResult>();
    declarations.add::<crate::workspace::WorkspaceUpResult>();

    let mut methods = format!("// {}\n\nimport type * as types from \"./types\";\n\n", super::NOTICE);
    methods.push_str("/** Every method: its parameters and its result. */\nexport interface Methods {\n");
    for entry in entries.iter().filter(|entry| entry.subscription.is_none()) {
        methods.push_str(&doc(entry.description, "  "));
        methods.push_str(&format!(
            "  \"{}\": {{ params: {}; result: {} }};\n",
            entry.name,
            qualified(&entry.params_type),
            qualified(&entry.result_type)
        ));
    }
    methods.push_str("}\n\n/** Every subscription, by the method that begins it: its parameters and its items. */\nexport interface Subscriptions {\n");
    for entry in entries.iter().filter(|entry| entry.subscription.is_some()) {
        methods.push_str(&doc(entry.description, "  "));
        methods.push_str(&format!(
            "  \"{}\": {{ params: {}; item: {} }};\n",
            entry.name,
            qualified(&entry.params_type),
            qualified(&entry.result_type)
        ));
    }
    methods.push_str("}\n\n/** For each subscription the method that ends it and the notification that carries its items. */\nexport const subscriptions = {\n");
    for entry in &entries {
        if let Some((unsubscribe, notification)) = entry.subscription {
            methods.push_str(&format!(
                "  \"{}\": {{ unsubscribe: \"{unsubscribe}\", notification: \"{notification}\" }},\n",
                entry.name
            ));
        }
    }
    methods.push_str("} as const satisfies Record<keyof Subscriptions, { unsubscribe: string; notification: string }>;\n\n");
    methods.push_str(&format!(
        "/** The version of the protocol that this package was generated from. */\nexport const protocolVersion: types.ProtocolVersion = {{ major: {}, minor: {} }};\n\n",
        crate::PROTOCOL_VERSION.major,
        crate::PROTOCOL_VERSION.minor
    ));
    methods.push_str("/** The JSON-RPC error number of each kind of error. */\nexport const errorNumbers: Record<types.ErrorKind, number> = {\n");
    for kind in ErrorKind::ALL {
        methods.push_str(&format!("  /** {} */\n  {}: {},\n", kind.meaning(), kind.name(), kind.number()));
    }
    methods.push_str("};\n");

    vec![
        ("types.ts".to_owned(), declarations.print()),
        ("methods.ts".to_owned(), methods),
        ("stream.ts".to_owned(), stream()),
        (
            "index.ts".to_owned(),
            format!(
                "// {}\n\nexport * from \"./types\";\nexport * from \"./methods\";\nexport * from \"./stream\";\n",
                super::NOTICE
            ),
        ),
    ]
}

/// The name of `T` in TypeScript, type arguments included.
pub fn type_name<T: TS + 'static>() -> String {
    T::name(&config())
}

fn config() -> Config {
    Config::new().with_large_int("number")
}

/// Puts `types.` before the names a generated file takes from `types.ts`.
fn qualified(name: &str) -> String {
    match name.split_once('<') {
        Some((outer, inner)) => format!("types.{outer}<types.{inner}"),
        None => format!("types.{name}"),
    }
}

fn doc(text: &str, indent: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    match lines.as_slice() {
        [line] => format!("{indent}/** {line} */\n"),
        lines => format!(
            "{indent}/**\n{}{indent} */\n",
            lines.iter().map(|line| format!("{indent} * {line}\n")).collect::<String>()
        ),
    }
}

/// Collects the declarations of types and of all that they mention.
#[derive(Debug, Default)]
pub struct Declarations {
    seen: BTreeSet<TypeId>,
    by_name: BTreeMap<String, String>,
}

impl Declarations {
    /// Adds `T` and every type it mentions.
    pub fn add<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        // Only types of our own have a place to be exported to; numbers, strings and maps do not.
        if T::output_path().is_some() {
            let documentation = T::docs().unwrap_or_default();
            self.by_name
                .entry(T::ident(&config()))
                .or_insert_with(|| format!("{documentation}export {}\n", T::decl(&config())));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }

    fn print(&self) -> String {
        let declarations: Vec<&str> = self.by_name.values().map(String::as_str).collect();
        let text = format!("// {}\n\n{}", super::NOTICE, declarations.join("\n"));
        // ts-rs leaves spaces at the ends of lines.
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        self.add::<T>();
    }
}

fn stream() -> String {
    let mut kinds = String::new();
    for (name, byte, meaning) in FrameKind::ALL {
        kinds.push_str(&format!("  /** {} */\n  {name}: {byte},\n", meaning.trim()));
    }
    format!(
        r#"// {notice}

/**
 * The frames of a stream, `/stream/{{id}}`. One binary WebSocket message is one frame: a kind byte, for the kinds with
 * an offset eight bytes of it (big-endian), then the payload. See the protocol's reference.
 */
export const FrameKind = {{
{kinds}}} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Bytes that may be on their way in one direction without being acknowledged. */
export const credit = {CREDIT};

/** Longest payload of one frame, in bytes. */
export const maxPayload = {MAX_PAYLOAD};

const kindsWithOffset: ReadonlySet<number> = new Set([
  FrameKind.Stdin, FrameKind.Acknowledge, FrameKind.Stdout, FrameKind.Stderr, FrameKind.Snapshot, FrameKind.Gap,
]);

/** A frame as it came: `offset` is 0 for kinds that have none. */
export interface Frame {{
  kind: FrameKind;
  offset: number;
  payload: Uint8Array;
}}

/** The frame as one WebSocket message. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array, offset = 0): Uint8Array {{
  const head = kindsWithOffset.has(kind) ? 9 : 1;
  const message = new Uint8Array(head + payload.length);
  message[0] = kind;
  if (head === 9) new DataView(message.buffer).setBigUint64(1, BigInt(offset));
  message.set(payload, head);
  return message;
}}

/** The frame in one WebSocket message; throws when it is none. */
export function decodeFrame(message: Uint8Array): Frame {{
  const kind = Object.values(FrameKind).find((known) => known === message[0]);
  if (kind === undefined) throw new Error(`no frame of a stream: kind ${{message[0] ?? "missing"}}`);
  if (!kindsWithOffset.has(kind)) return {{ kind, offset: 0, payload: message.subarray(1) }};
  if (message.length < 9) throw new Error(`frame of kind ${{kind}} cut off after ${{message.length}} bytes`);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  return {{ kind, offset: Number(view.getBigUint64(1)), payload: message.subarray(9) }};
}}
"#,
        notice = super::NOTICE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_a_method_names_is_declared() {
        let files = typescript();
        let types = &files[0].1;
        for (_, line) in files[1].1.match_indices("types.").map(|(at, _)| (at, &files[1].1[at + 6..])) {
            let name: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(types.contains(&format!("export type {name}")), "{name} is not declared");
        }
        assert!(!types.contains("bigint"));
    }
}
