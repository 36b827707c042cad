//! The protocol's reference for people, a page of the book.

use crate::catalogue;
use crate::error::ErrorKind;
use crate::stream::FrameKind;

/// `docs/protocol.md`, whole.
pub fn reference() -> String {
    let mut generator = schemars::SchemaGenerator::default();
    let entries = catalogue::entries(&mut generator);
    let mut page = format!("<!-- {} -->\n# Protocol reference\n\n", super::NOTICE);
    page.push_str(
        "JSON-RPC 2.0 over WebSocket at `/rpc` on the daemon's Unix socket, parameters by name. Types are in \
         `protocol/typescript/types.ts` and, as JSON Schema, in `protocol/openrpc.json`.\n\n## Methods\n\n",
    );
    for entry in &entries {
        page.push_str(&format!("### `{}`\n\n{}\n\n", entry.name, paragraph(entry.description)));
        let (params, result) = &entry.example;
        match entry.subscription {
            None => page.push_str(&format!("`{}` → `{}`\n\n", entry.params_type, entry.result_type)),
            Some((unsubscribe, notification)) => page.push_str(&format!(
                "`{}` → a subscription whose items are `{}`, carried by `{notification}` and ended by `{unsubscribe}`\n\n",
                entry.params_type, entry.result_type
            )),
        }
        page.push_str(&format!("```json\n{params}\n{result}\n```\n\n"));
    }
    page.push_str("## Frames of a stream\n\nOne binary WebSocket message at `/stream/{streamId}` is one frame.\n\n| byte | kind | meaning |\n|---|---|---|\n");
    for (name, byte, meaning) in FrameKind::ALL {
        page.push_str(&format!("| `{byte:#04x}` | {name} | {} |\n", meaning.trim()));
    }
    page.push_str("\n## Errors\n\n| number | kind | meaning |\n|---|---|---|\n");
    for kind in ErrorKind::ALL {
        page.push_str(&format!("| {} | `{}` | {} |\n", kind.number(), kind.name(), kind.meaning()));
    }
    page
}

fn paragraph(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}
