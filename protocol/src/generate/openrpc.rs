//! The protocol as an OpenRPC document, so that tools and other languages can read it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::catalogue::{self, Entry};
use crate::error::ErrorKind;

/// The OpenRPC document, pretty-printed, with a final newline.
///
/// Subscriptions stand as methods that return the subscription's id; `x-subscription` names the method that ends them,
/// the notification that carries items, and the items' schema.
pub fn openrpc() -> String {
    let settings = SchemaSettings::draft07().with(|s| s.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let methods: Vec<Value> = catalogue::entries(&mut generator).iter().map(method).collect();
    let error = generator.subschema_for::<crate::error::ErrorData>();
    let errors: serde_json::Map<String, Value> = ErrorKind::ALL
        .iter()
        .map(|kind| {
            (
                kind.name(),
                json!({"code": kind.number(), "message": kind.meaning(), "data": {"kind": kind.name()}}),
            )
        })
        .collect();
    let document = json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Gangplank",
            "version": format!("{}.{}.0", crate::PROTOCOL_VERSION.major, crate::PROTOCOL_VERSION.minor),
            "description": super::NOTICE,
        },
        "x-error-data": error,
        "methods": methods,
        "components": {"schemas": generator.take_definitions(true), "errors": errors},
    });
    format!("{document:#}\n")
}

fn method(entry: &Entry) -> Value {
    let (params, result) = &entry.example;
    let mut method = json!({
        "name": entry.name,
        "description": entry.description.trim(),
        "paramStructure": "by-name",
        "params": [{"name": "params", "description": "The fields of this object are the named parameters.", "required": true, "schema": entry.params}],
        "result": {"name": "result", "schema": entry.result},
        "examples": [{"name": "example", "params": [{"name": "params", "value": params}], "result": {"name": "result", "value": result}}],
    });
    if let Some((unsubscribe, notification)) = entry.subscription {
        method["result"] = json!({"name": "subscription", "schema": {"type": ["string", "number"]}});
        method["examples"][0]["result"]["value"] = json!("8312674915");
        method["x-subscription"] = json!({"unsubscribe": unsubscribe, "notification": notification, "item": entry.result, "example": result});
    }
    method
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_name_is_in_the_document_with_description_and_example() {
        let document: Value = serde_json::from_str(&openrpc()).unwrap();
        let methods = document["methods"].as_array().unwrap();
        let mut names = Vec::new();
        for method in methods {
            assert!(method["description"].as_str().unwrap().ends_with('.'), "{method}");
            assert!(method["examples"][0]["params"][0]["value"].is_object(), "{method}");
            names.push(method["name"].as_str().unwrap().to_owned());
            if let Some(unsubscribe) = method["x-subscription"]["unsubscribe"].as_str() {
                names.push(unsubscribe.to_owned());
            }
        }
        names.sort();
        let mut declared: Vec<_> = catalogue::METHOD_NAMES.iter().map(ToString::to_string).collect();
        declared.sort();
        assert_eq!(names, declared);
    }
}
