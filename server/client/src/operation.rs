//! Following long work to its end, over lost connections and restarted daemons.

use std::time::Duration;

use gangplank_protocol::ErrorKind;
use gangplank_protocol::catalogue::{OperationGet, OperationSubscribe};
use gangplank_protocol::feed::{Cursor, Sequenced};
use gangplank_protocol::operation::{Operation, OperationEvent, OperationParams, OperationSubscribeParams};

use crate::client::Client;
use crate::error::ClientError;

/// Connections lost in a row, without an item between them, before following is given up.
const ATTEMPTS: u32 = 5;

impl Client {
    /// Gives each item of an operation's feed to `each`, in order and once, and then how the operation ended.
    ///
    /// # Errors
    /// [`ClientError`] when the operation is not known, or no connection holds.
    pub async fn follow_operation(
        &self,
        operation_id: &str,
        mut each: impl FnMut(&Sequenced<OperationEvent>),
    ) -> Result<Operation, ClientError> {
        let mut since: Option<Cursor> = None;
        let mut lost = 0;
        loop {
            let params =
                OperationSubscribeParams { operation_id: operation_id.to_owned(), since: since.clone() };
            let error = match self.subscribe::<OperationSubscribe>(&params).await {
                Ok(mut feed) => loop {
                    match feed.next().await {
                        Ok(item) => {
                            lost = 0;
                            since = Some(item.cursor());
                            each(&item);
                            if let OperationEvent::Ended { operation } = item.event {
                                return Ok(*operation);
                            }
                        }
                        Err(error) => break error,
                    }
                },
                Err(error) => error,
            };
            // a daemon that was started again may know only how it ended
            if error.kind() == Some(ErrorKind::NotFound) && since.is_none() || !is_worth_another(&error) {
                return Err(error);
            }
            lost += 1;
            if lost > ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(20) * 2_u32.pow(lost)).await;
            if let Some(ended) = self.ended(operation_id).await? {
                return Ok(ended);
            }
        }
    }

    /// The operation, if it is over.
    async fn ended(&self, operation_id: &str) -> Result<Option<Operation>, ClientError> {
        let params = OperationParams { operation_id: operation_id.to_owned() };
        match self.call::<OperationGet>(&params).await {
            Ok(operation) if operation.state.is_final() => Ok(Some(operation)),
            Ok(_) => Ok(None),
            Err(error) if is_worth_another(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_worth_another(error: &ClientError) -> bool {
    error.is_lost_connection() || error.kind() == Some(ErrorKind::NotFound)
}
