//! Requests to be made: paths without a version, which is put on them when they are sent.

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use http::{Method, Request, header};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;

use crate::EngineError;

type BodyStream = Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send>>;
/// A request's body, of the very type that bollard's requests have.
pub(crate) type Body = Either<Full<Bytes>, StreamBody<BodyStream>>;

pub(crate) fn empty() -> Body {
    Either::Left(Full::new(Bytes::new()))
}

/// A request with a query and no body.
pub(crate) fn request(
    method: Method,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Request<Body>, EngineError> {
    let query: String = query.iter().fold(String::new(), |mut text, (name, value)| {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.extend(url_encoded(value));
        text
    });
    Request::builder().method(method).uri(format!("{path}{query}")).body(empty()).map_err(|error| {
        EngineError::InvalidParameter { what: format!("ask for {path}"), message: error.to_string() }
    })
}

/// A POST with a JSON body.
pub(crate) fn post_json(path: &str, body: &impl serde::Serialize) -> Result<Request<Body>, EngineError> {
    let refused =
        |message: String| EngineError::InvalidParameter { what: format!("ask for {path}"), message };
    let bytes = serde_json::to_vec(body).map_err(|error| refused(error.to_string()))?;
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Either::Left(Full::new(bytes.into())))
        .map_err(|error| refused(error.to_string()))
}

fn url_encoded(text: &str) -> impl Iterator<Item = &str> {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}
