//! `daemon/*` and `engine/*`.

use gangplank_protocol::catalogue::{DaemonHello, DaemonShutdown, DaemonStatusMethod, EngineInfoMethod};
use gangplank_protocol::daemon::{DaemonHelloResult, Empty};
use gangplank_protocol::engine::{EngineCapabilities, EngineInfo};
use gangplank_protocol::{ErrorData, ErrorKind, PROTOCOL_VERSION};
use jsonrpsee::core::RegisterMethodError;

use super::Router;
use crate::daemon::program;
use crate::engines::wire_id;
use crate::failure;

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.method::<DaemonHello, _, _>(|call, params| async move {
        if params.protocol_version.major != PROTOCOL_VERSION.major {
            return Err(ErrorData::new(
                ErrorKind::ProtocolVersionMismatch,
                format!(
                    "the client speaks protocol {}.{}, this daemon {}.{}",
                    params.protocol_version.major,
                    params.protocol_version.minor,
                    PROTOCOL_VERSION.major,
                    PROTOCOL_VERSION.minor
                ),
            )
            .hint(
                "bring client and daemon to the same release; `gangplank daemon stop` ends the running one",
            ));
        }
        call.connection.introduce(&params);
        Ok(DaemonHelloResult {
            protocol_version: PROTOCOL_VERSION,
            daemon: program(),
            epoch: call.daemon.epoch.clone(),
            capabilities: Vec::new(),
            engine: call.daemon.engines.find_soon(&call.connection).await,
        })
    })?;
    router.method::<DaemonStatusMethod, _, _>(|call, _| async move { Ok(call.daemon.status()) })?;
    router.method::<DaemonShutdown, _, _>(|call, _| async move {
        call.daemon.stop.cancel();
        Ok(Empty {})
    })?;
    router.method::<EngineInfoMethod, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let info = engine.info().await.map_err(failure::from_engine)?;
        Ok(EngineInfo {
            engine: wire_id(&engine),
            product: info.product.to_string(),
            version: info.version,
            api_version: info.api_version.to_string(),
            platform: format!("{}/{}", info.os, info.architecture),
            storage_driver: info.storage_driver,
            local: engine.is_local(),
            capabilities: EngineCapabilities {
                bind_local: info.capabilities.local_folders,
                exec: info.capabilities.exec,
                commit: info.capabilities.commit,
                build: info.capabilities.build,
                events: info.capabilities.events,
            },
        })
    })
}
