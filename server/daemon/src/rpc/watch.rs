//! `watch/*`.

use gangplank_protocol::catalogue::WatchSubscribe;
use jsonrpsee::core::RegisterMethodError;

use super::{BoxedItems, Router};

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.subscription::<WatchSubscribe, _>(|call, params| {
        let watched =
            call.daemon.watches.follow(&params.workspace_folder, params.all, params.since.as_ref())?;
        Ok(BoxedItems::of_feed(watched.reader, watched.held))
    })
}
