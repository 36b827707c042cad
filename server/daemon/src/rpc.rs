//! The JSON-RPC router: one registration per declared method. Handlers convert, call a handle, and convert back.

mod container;
mod daemon;
#[cfg(test)]
mod engine_faults;
mod image;
mod limits;
mod operation;
mod process;
mod watch;
mod workspace;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use gangplank_protocol::{ErrorData, ErrorKind, Method, Subscription};
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::{Extensions, PendingSubscriptionSink, RpcModule, SubscriptionMessage};

pub use limits::{CallLimit, server_config};

use crate::connection::Connection;
use crate::daemon::Daemon;
use crate::feed::Reader;

/// Who asks, and whom.
#[derive(Debug, Clone)]
pub struct Call {
    /// The daemon.
    pub daemon: Arc<Daemon>,
    /// The client's connection.
    pub connection: Connection,
}

impl Call {
    /// Does work that changes something: once for each key, and to its end even when the connection closes.
    ///
    /// # Errors
    /// As [`crate::request_key::RequestKeys::once`].
    pub async fn once<M: Method>(
        &self,
        key: Option<String>,
        params: &M::Params,
        work: impl Future<Output = Result<M::Result, ErrorData>> + Send + 'static,
    ) -> Result<M::Result, ErrorData> {
        let fingerprint = match &key {
            None => blake3::hash(b""),
            Some(_) => {
                let text = serde_json::to_vec(params).map_err(|e| {
                    ErrorData::new(ErrorKind::Internal, "the parameters cannot be compared").caused_by(&e)
                })?;
                blake3::hash(&text)
            }
        };
        self.daemon.request_keys.once::<M>(key, fingerprint, work).await
    }
}

/// Collects the handlers.
struct Router {
    module: RpcModule<Arc<Daemon>>,
}

/// Every method of the protocol, served by `daemon`.
///
/// # Errors
/// When two handlers take the same name: a defect that a test finds.
pub fn module(daemon: Arc<Daemon>) -> Result<RpcModule<Arc<Daemon>>, RegisterMethodError> {
    let mut router = Router { module: RpcModule::new(daemon) };
    daemon::register(&mut router)?;
    image::register(&mut router)?;
    container::register(&mut router)?;
    workspace::register(&mut router)?;
    operation::register(&mut router)?;
    process::register(&mut router)?;
    watch::register(&mut router)?;
    Ok(router.module)
}

impl Router {
    fn method<M, H, F>(&mut self, handler: H) -> Result<(), RegisterMethodError>
    where
        M: Method,
        H: Fn(Call, M::Params) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<M::Result, ErrorData>> + Send + 'static,
    {
        self.module.register_async_method(M::NAME, move |params, daemon, extensions| {
            let handler = handler.clone();
            async move {
                let call = call(&daemon, &extensions);
                let params = parse::<M::Params>(&params).map_err(|error| wire_error(&error))?;
                let answered = AssertUnwindSafe(async { handler(call, params).await }).catch_unwind().await;
                answered.unwrap_or_else(|_| Err(caught(&daemon, M::NAME))).map_err(|error| wire_error(&error))
            }
        })?;
        Ok(())
    }

    fn subscription<S, H>(&mut self, handler: H) -> Result<(), RegisterMethodError>
    where
        S: Subscription,
        H: Fn(Call, S::Params) -> Result<Followed<S::Item>, ErrorData> + Clone + Send + Sync + 'static,
    {
        self.module.register_subscription(
            S::SUBSCRIBE,
            S::NOTIFICATION,
            S::UNSUBSCRIBE,
            move |params, pending: PendingSubscriptionSink, daemon, extensions| {
                let handler = handler.clone();
                async move {
                    let followed = parse::<S::Params>(&params)
                        .and_then(|params| handler(call(&daemon, &extensions), params));
                    let mut followed = match followed {
                        Ok(followed) => followed,
                        Err(error) => return pending.reject(wire_error(&error)).await,
                    };
                    let Ok(sink) = pending.accept().await else { return };
                    loop {
                        let item = tokio::select! {
                            item = followed.next() => item,
                            () = sink.closed() => return,
                        };
                        let Some(item) = item else { return };
                        let message = serde_json::value::to_raw_value(&item).map(SubscriptionMessage::from);
                        let Ok(message) = message else { return };
                        if sink.send(message).await.is_err() {
                            return;
                        }
                    }
                }
            },
        )?;
        Ok(())
    }
}

/// The items of a subscription, as they come.
pub(crate) type Followed<T> = BoxedItems<T>;

/// Items of any source behind one type.
pub(crate) struct BoxedItems<T>(futures_util::stream::BoxStream<'static, T>);

impl<T: Send + 'static> BoxedItems<T> {
    async fn next(&mut self) -> Option<T> {
        futures_util::StreamExt::next(&mut self.0).await
    }
}

impl<T: Clone + Send + Sync + 'static> BoxedItems<gangplank_protocol::feed::Sequenced<T>> {
    /// The items of a feed; `held` lives as long as somebody follows.
    pub(crate) fn of_feed(reader: Reader<T>, held: impl Send + 'static) -> Self {
        let items = futures_util::stream::unfold((reader, held), |(mut reader, held)| async move {
            reader.next().await.map(|item| (item, (reader, held)))
        });
        Self(Box::pin(items))
    }
}

fn call(daemon: &Arc<Daemon>, extensions: &Extensions) -> Call {
    // Every connection is given one when it is accepted; a call without (in a test) has an empty one of its own.
    let connection = extensions.get::<Connection>().cloned().unwrap_or_default();
    Call { daemon: Arc::clone(daemon), connection }
}

fn parse<P: serde::de::DeserializeOwned>(params: &jsonrpsee::types::Params<'_>) -> Result<P, ErrorData> {
    let text = params.as_str().unwrap_or("{}");
    let refuse = |reason: String| {
        ErrorData::new(ErrorKind::InvalidParams, format!("the parameters do not fit the method: {reason}"))
            .hint("docs/protocol.md has every method with an example")
    };
    if !text.trim_start().starts_with('{') {
        return Err(refuse("parameters are given by name, in an object".into()));
    }
    serde_json::from_str(text).map_err(|e| refuse(e.to_string()))
}

fn caught(daemon: &Daemon, method: &str) -> ErrorData {
    daemon.counters.panics.fetch_add(1, Ordering::Relaxed);
    tracing::error!(method, "a handler panicked");
    ErrorData::new(ErrorKind::Internal, format!("a defect ended {method}"))
        .hint("please report it with the daemon's log (`gangplank daemon logs`)")
}

fn wire_error(error: &ErrorData) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(error.kind.number(), error.message.clone(), Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn registered_and_declared_names_are_the_same() {
        let home = tempfile::tempdir().unwrap();
        let module = module(Arc::new(crate::serve::for_tests(home.path()))).unwrap();
        let mut registered: Vec<_> = module.method_names().collect();
        registered.sort_unstable();
        let mut declared = gangplank_protocol::catalogue::METHOD_NAMES.to_vec();
        declared.sort_unstable();
        assert_eq!(registered, declared);
    }

    #[tokio::test]
    async fn wrong_parameters_get_a_typed_error_that_names_what_is_wrong() {
        let home = tempfile::tempdir().unwrap();
        let module = module(Arc::new(crate::serve::for_tests(home.path()))).unwrap();
        for (params, expected) in
            [("[1]", "by name"), (r#"{"processId":"p","signl":"INT"}"#, "signl"), ("{}", "processId")]
        {
            let request =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"process/signal","params":{params}}}"#);
            let (answer, _) = module.raw_json_request(&request, 1).await.unwrap();
            let answer: serde_json::Value = serde_json::from_str(answer.get()).unwrap();
            assert_eq!(answer["error"]["data"]["kind"], "invalidParams", "{answer}");
            assert!(answer["error"]["message"].as_str().unwrap().contains(expected), "{answer}");
        }
    }
}
