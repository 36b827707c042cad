//! `operation/*`.

use gangplank_protocol::catalogue::{OperationAnswer, OperationCancel, OperationGet, OperationSubscribe};
use jsonrpsee::core::RegisterMethodError;

use super::{BoxedItems, Router};

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.method::<OperationGet, _, _>(|call, params| async move {
        call.daemon.operations.get(&params.operation_id)
    })?;
    router.method::<OperationCancel, _, _>(|call, params| async move {
        call.daemon.operations.cancel(&params.operation_id).await
    })?;
    router.method::<OperationAnswer, _, _>(|call, params| async move {
        call.daemon.operations.answer(&params.operation_id, &params.question_id, params.answer)
    })?;
    router.subscription::<OperationSubscribe, _>(|call, params| {
        let reader = call.daemon.operations.follow(&params.operation_id, params.since.as_ref())?;
        Ok(BoxedItems::of_feed(reader, ()))
    })
}
