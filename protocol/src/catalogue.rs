//! The one declaration of every method and subscription. The server registers handlers by these types, the Rust
//! client calls by them, and `openrpc.json`, the TypeScript package and `docs/protocol.md` are printed from them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::container::{
    ContainerChanged, ContainerDetails, ContainerListParams, ContainerListResult, ContainerLogsParams,
    ContainerLogsResult, ContainerParams, ContainerRemoveParams, ContainerRunParams, ContainerStopParams,
};
use crate::daemon::{DaemonHelloParams, DaemonHelloResult, DaemonStatus, Empty};
use crate::engine::{EngineInfo, EngineInfoParams};
use crate::feed::Sequenced;
use crate::image::{ImageListParams, ImageListResult, ImagePullParams, ImageRemoveParams, ImageRemoveResult};
use crate::operation::{
    Operation, OperationAnswerParams, OperationEvent, OperationParams, OperationStarted,
    OperationSubscribeParams,
};
use crate::process::{
    ProcessAttachParams, ProcessAttachResult, ProcessCloseParams, ProcessCloseResult, ProcessListParams,
    ProcessListResult, ProcessSignalParams, ProcessStartParams, ProcessStarted,
};
use crate::watch::{WatchEvent, WatchSubscribeParams};
use crate::workspace::{
    WorkspaceChanged, WorkspaceConfigureParams, WorkspaceConfigureResult, WorkspaceDetails,
    WorkspaceListParams, WorkspaceListResult, WorkspaceParams, WorkspacePlanParams, WorkspacePlanResult,
    WorkspaceUpParams,
};

/// A method: its name and the types of its parameters and result.
pub trait Method {
    /// The name on the wire.
    const NAME: &'static str;
    /// Its parameters, always an object.
    type Params: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Its result.
    type Result: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
}

/// A subscription: its three names and the types of its parameters and items.
pub trait Subscription {
    /// The method that begins it.
    const SUBSCRIBE: &'static str;
    /// The method that ends it; takes the subscription's id.
    const UNSUBSCRIBE: &'static str;
    /// The notification that carries each item.
    const NOTIFICATION: &'static str;
    /// Its parameters, always an object.
    type Params: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Its items.
    type Item: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
}

/// Everything about a method or subscription that the generated files show.
#[cfg(feature = "schema")]
#[derive(Debug)]
pub struct Entry {
    /// The name on the wire.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// The parameters' schema.
    pub params: schemars::Schema,
    /// The schema of the result, or of an item.
    pub result: schemars::Schema,
    /// The parameters' type in TypeScript.
    pub params_type: String,
    /// The type of the result, or of an item, in TypeScript.
    pub result_type: String,
    /// Parameters and result (or an item) as they may look.
    pub example: (serde_json::Value, serde_json::Value),
    /// For a subscription: the method that ends it and the notification that carries items.
    pub subscription: Option<(&'static str, &'static str)>,
    /// Adds the TypeScript declarations of all types it needs.
    pub declare: fn(&mut crate::generate::typescript::Declarations),
}

macro_rules! catalogue {
    (
        methods { $($(#[doc = $doc:literal])+ $method:ident = $name:literal ($params:ty) -> $result:ty { $example:tt => $example_result:tt })+ }
        subscriptions { $($(#[doc = $sdoc:literal])+ $subscription:ident = ($subscribe:literal, $unsubscribe:literal, $notification:literal) ($sparams:ty) -> $item:ty { $sexample:tt => $sitem:tt })+ }
    ) => {
        $($(#[doc = $doc])+ #[derive(Debug, Clone, Copy)] pub struct $method;
        impl Method for $method {
            const NAME: &'static str = $name;
            type Params = $params;
            type Result = $result;
        })+

        $($(#[doc = $sdoc])+ #[derive(Debug, Clone, Copy)] pub struct $subscription;
        impl Subscription for $subscription {
            const SUBSCRIBE: &'static str = $subscribe;
            const UNSUBSCRIBE: &'static str = $unsubscribe;
            const NOTIFICATION: &'static str = $notification;
            type Params = $sparams;
            type Item = $item;
        })+

        /// Every name a server of this protocol registers.
        pub const METHOD_NAMES: &[&str] = &[$($name,)+ $($subscribe, $unsubscribe,)+];

        /// Every method and subscription, in the order of the reference.
        #[cfg(feature = "schema")]
        pub fn entries(generator: &mut schemars::SchemaGenerator) -> Vec<Entry> {
            vec![
                $(Entry {
                    name: $name,
                    description: concat!($($doc, "\n",)+),
                    params: generator.subschema_for::<$params>(),
                    result: generator.subschema_for::<$result>(),
                    params_type: crate::generate::typescript::type_name::<$params>(),
                    result_type: crate::generate::typescript::type_name::<$result>(),
                    example: (serde_json::json!($example), serde_json::json!($example_result)),
                    subscription: None,
                    declare: |declarations| { declarations.add::<$params>(); declarations.add::<$result>(); },
                },)+
                $(Entry {
                    name: $subscribe,
                    description: concat!($($sdoc, "\n",)+),
                    params: generator.subschema_for::<$sparams>(),
                    result: generator.subschema_for::<$item>(),
                    params_type: crate::generate::typescript::type_name::<$sparams>(),
                    result_type: crate::generate::typescript::type_name::<$item>(),
                    example: (serde_json::json!($sexample), serde_json::json!($sitem)),
                    subscription: Some(($unsubscribe, $notification)),
                    declare: |declarations| { declarations.add::<$sparams>(); declarations.add::<$item>(); },
                },)+
            ]
        }

        #[cfg(test)]
        mod tests {
            use super::*;

            /// Reads `value` as `T` and prints it again: what the example says must be what the type says.
            fn assert_fits<T: Serialize + DeserializeOwned>(name: &str, value: serde_json::Value) {
                let typed: T = serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
                let printed = serde_json::to_value(&typed).unwrap();
                assert_subset(name, &value, &printed);
            }

            /// Every field of the example survives; defaults may be added.
            fn assert_subset(name: &str, expected: &serde_json::Value, actual: &serde_json::Value) {
                match (expected, actual) {
                    (serde_json::Value::Object(expected), serde_json::Value::Object(actual)) => {
                        for (key, value) in expected {
                            let found = actual.get(key).unwrap_or_else(|| panic!("{name}: the type loses {key}"));
                            assert_subset(name, value, found);
                        }
                    }
                    (expected, actual) => assert_eq!(expected, actual, "{name}"),
                }
            }

            #[test]
            fn examples_fit_their_types() {
                $(assert_fits::<$params>($name, serde_json::json!($example));
                  assert_fits::<$result>($name, serde_json::json!($example_result));)+
                $(assert_fits::<$sparams>($subscribe, serde_json::json!($sexample));
                  assert_fits::<$item>($subscribe, serde_json::json!($sitem));)+
            }

            #[test]
            fn names_are_unique_and_well_formed() {
                for (index, name) in METHOD_NAMES.iter().enumerate() {
                    let (resource, verb) = name.split_once('/').unwrap_or_else(|| panic!("{name}"));
                    assert!(!METHOD_NAMES[index + 1..].contains(name), "{name} twice");
                    for part in [resource, verb] {
                        assert!(!part.is_empty() && part.chars().all(|c| c.is_ascii_alphabetic()), "{name}");
                    }
                }
            }
        }
    };
}

catalogue! {
    methods {
        /// Begins a connection: versions are compared, and the client's environment decides which engine is its own.
        /// It comes first; a client that does not call it has no engine of its own and must name one in each request.
        DaemonHello = "daemon/hello" (DaemonHelloParams) -> DaemonHelloResult {
            {"protocolVersion": {"major": 1, "minor": 0}, "client": {"name": "gangplank", "version": "0.1.0"}, "environment": {"HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1000"}} =>
            {"protocolVersion": {"major": 1, "minor": 0}, "daemon": {"name": "gangplank", "version": "0.1.0"}, "epoch": "4f1c2a", "capabilities": [], "engine": "unix:///var/run/docker.sock"}
        }
        /// Tells how the daemon does and what keeps it busy.
        DaemonStatusMethod = "daemon/status" (Empty) -> DaemonStatus {
            {} =>
            {"daemon": {"name": "gangplank", "version": "0.1.0"}, "epoch": "4f1c2a", "pid": 4711, "startedAt": 1_760_000_000_000_u64, "socket": "/run/user/1000/gangplank/daemon.sock", "logPath": "/home/ada/.local/state/gangplank/daemon.log", "engines": [{"engine": "unix:///var/run/docker.sock", "available": true}], "activity": {"connections": 1, "operations": 0, "processes": 2, "streams": 2, "watches": 1}, "idleTimeoutSeconds": 1800, "counters": {"requestsRefused": 0}}
        }
        /// Ends the daemon: running operations become `interrupted`, streams are closed, containers go on.
        DaemonShutdown = "daemon/shutdown" (Empty) -> Empty { {} => {} }

        /// Tells what an engine is and can do.
        EngineInfoMethod = "engine/info" (EngineInfoParams) -> EngineInfo {
            {} =>
            {"engine": "unix:///var/run/docker.sock", "product": "docker", "version": "28.5.2", "apiVersion": "1.51", "platform": "linux/amd64", "storageDriver": "overlayfs", "local": true, "capabilities": {"bindLocal": true, "exec": true, "commit": true, "build": true, "events": true}}
        }

        /// Lists the engine's images.
        ImageList = "image/list" (ImageListParams) -> ImageListResult {
            {} =>
            {"engine": "unix:///var/run/docker.sock", "images": [{"id": "sha256:1f3e", "tags": ["python:3"], "digests": [], "createdAt": 1_760_000_000_000_u64, "size": 118_000_000}]}
        }
        /// Gets an image from its registry. The operation's progress tells bytes layer by layer; its result is an
        /// `ImagePullResult`.
        ImagePull = "image/pull" (ImagePullParams) -> OperationStarted {
            {"image": "python:3", "requestKey": "9d2b"} => {"operationId": "op-1", "joined": false}
        }
        /// Removes an image.
        ImageRemove = "image/remove" (ImageRemoveParams) -> ImageRemoveResult {
            {"image": "python:3"} => {"untagged": ["python:3"], "deleted": ["sha256:1f3e"]}
        }

        /// Makes a container and starts it, getting the image first where it is missing. The operation's result is a
        /// `ContainerRunResult`.
        ContainerRun = "container/run" (ContainerRunParams) -> OperationStarted {
            {"image": "python:3", "command": ["python3"], "interactive": true, "tty": true, "volumes": ["/home/ada/folder:/my_project"]} =>
            {"operationId": "op-2", "joined": false}
        }
        /// Lists containers.
        ContainerList = "container/list" (ContainerListParams) -> ContainerListResult {
            {"all": true} =>
            {"engine": "unix:///var/run/docker.sock", "containers": [{"id": "f00d", "name": "brave_euler", "image": "python:3", "command": "python3", "createdAt": 1_760_000_000_000_u64, "state": "exited", "status": "Exited (0) 3 minutes ago", "ports": [], "labels": {}}]}
        }
        /// Tells everything about one container.
        ContainerInspect = "container/inspect" (ContainerParams) -> ContainerDetails {
            {"container": "brave_euler"} =>
            {"engine": "unix:///var/run/docker.sock", "id": "f00d", "name": "brave_euler", "image": "python:3", "imageId": "sha256:1f3e", "created": "2026-01-02T03:04:05.678901234Z", "state": "running", "startedAt": "2026-01-02T03:04:06.1Z", "oomKilled": false, "environment": ["PATH=/usr/bin"], "user": "", "workingDirectory": "/", "tty": false, "mounts": [{"kind": "bind", "source": "/home/ada/folder", "target": "/my_project", "readOnly": false}], "ports": [], "labels": {}}
        }
        /// Starts a container that does not run.
        ContainerStart = "container/start" (ContainerParams) -> ContainerChanged {
            {"container": "brave_euler"} => {"containerId": "f00d", "changed": true}
        }
        /// Stops a container: its stop signal, then after the time allowed a kill.
        ContainerStop = "container/stop" (ContainerStopParams) -> ContainerChanged {
            {"container": "brave_euler", "timeoutSeconds": 10} => {"containerId": "f00d", "changed": true}
        }
        /// Removes a container.
        ContainerRemove = "container/remove" (ContainerRemoveParams) -> ContainerChanged {
            {"container": "brave_euler", "force": true} => {"containerId": "f00d", "changed": true}
        }
        /// Opens a stream with what the container's main process wrote.
        ContainerLogs = "container/logs" (ContainerLogsParams) -> ContainerLogsResult {
            {"container": "brave_euler", "follow": true} => {"stream": {"streamId": "s-1", "offset": 0}}
        }

        /// Tells what `workspace/up` would start from, and changes nothing.
        WorkspacePlan = "workspace/plan" (WorkspacePlanParams) -> WorkspacePlanResult {
            {"workspace": {"workspaceFolder": "/home/ada/project"}} =>
            {"workspaceFolder": "/home/ada/project", "configurations": ["/home/ada/project/.devcontainer/devcontainer.json"], "configuration": "/home/ada/project/.devcontainer/devcontainer.json", "offers": [], "name": "Project", "image": "python:3", "remoteWorkspaceFolder": "/workspaces/project", "diagnostics": [{"severity": "warning", "message": "unknown property `postCreateComand`", "file": "/home/ada/project/.devcontainer/devcontainer.json", "line": 4, "column": 3, "property": "postCreateComand", "hint": "did you mean `postCreateCommand`?"}], "notApplied": [], "customizations": {}, "hostEffects": [], "trusted": true}
        }
        /// Writes a first configuration for a folder that has none, with an image that the plan offers.
        WorkspaceConfigure = "workspace/configure" (WorkspaceConfigureParams) -> WorkspaceConfigureResult {
            {"workspace": {"workspaceFolder": "/home/ada/project"}, "offer": "python"} =>
            {"configuration": "/home/ada/project/.devcontainer/devcontainer.json"}
        }
        /// Opens the folder in its container: finds or makes it, starts it, runs its hooks. The operation's result is a
        /// `WorkspaceUpResult`. While it runs, the same request joins it.
        WorkspaceUp = "workspace/up" (WorkspaceUpParams) -> OperationStarted {
            {"workspace": {"workspaceFolder": "/home/ada/project"}, "trust": "ask", "interactive": true} =>
            {"operationId": "op-3", "joined": false}
        }
        /// Removes the workspace's container and makes it anew; `pull` gets the image again. The operation's result is a
        /// `WorkspaceUpResult`.
        WorkspaceRebuild = "workspace/rebuild" (WorkspaceUpParams) -> OperationStarted {
            {"workspace": {"workspaceFolder": "/home/ada/project"}, "pull": true} =>
            {"operationId": "op-4", "joined": false}
        }
        /// Lists the workspaces that have a container.
        WorkspaceList = "workspace/list" (WorkspaceListParams) -> WorkspaceListResult {
            {} =>
            {"engine": "unix:///var/run/docker.sock", "workspaces": [{"workspaceFolder": "/home/ada/project", "configuration": "/home/ada/project/.devcontainer/devcontainer.json", "container": {"engine": "unix:///var/run/docker.sock", "containerId": "f00d", "name": "brave_euler", "image": "python:3", "state": "running"}}]}
        }
        /// Tells how one workspace stands.
        WorkspaceInspect = "workspace/inspect" (WorkspaceParams) -> WorkspaceDetails {
            {"workspace": {"workspaceFolder": "/home/ada/project"}} =>
            {"workspace": {"workspaceFolder": "/home/ada/project", "container": {"engine": "unix:///var/run/docker.sock", "containerId": "f00d", "name": "brave_euler", "image": "python:3", "state": "running"}}, "phase": "running", "remoteUser": "vscode", "remoteWorkspaceFolder": "/workspaces/project", "hooks": [{"hook": "postCreateCommand", "startedAt": 1_760_000_000_000_u64, "durationMs": 1200, "exitCode": 0}], "processHost": "exec"}
        }
        /// Stops the workspace's container.
        WorkspaceStop = "workspace/stop" (WorkspaceParams) -> WorkspaceChanged {
            {"workspace": {"workspaceFolder": "/home/ada/project"}} => {"containerIds": ["f00d"], "changed": true}
        }
        /// Removes the workspace's container. The folder stays as it is.
        WorkspaceRemove = "workspace/remove" (WorkspaceParams) -> WorkspaceChanged {
            {"workspace": {"workspaceFolder": "/home/ada/project"}} => {"containerIds": ["f00d"], "changed": true}
        }

        /// Tells how an operation stands; also one of an earlier life of the daemon.
        OperationGet = "operation/get" (OperationParams) -> Operation {
            {"operationId": "op-3"} =>
            {"operationId": "op-3", "kind": "workspaceUp", "subject": "/home/ada/project", "state": "running", "startedAt": 1_760_000_000_000_u64, "steps": [{"step": "pull", "title": "Pull python:3", "status": "running", "startedAt": 1_760_000_000_000_u64}]}
        }
        /// Cancels an operation; one that is over stays as it is.
        OperationCancel = "operation/cancel" (OperationParams) -> Operation {
            {"operationId": "op-3"} =>
            {"operationId": "op-3", "kind": "workspaceUp", "subject": "/home/ada/project", "state": "cancelled", "startedAt": 1_760_000_000_000_u64, "endedAt": 1_760_000_001_000_u64, "steps": []}
        }
        /// Answers the question of an operation in state `needsInput`.
        OperationAnswer = "operation/answer" (OperationAnswerParams) -> Operation {
            {"operationId": "op-3", "questionId": "q-1", "answer": {"type": "trust"}} =>
            {"operationId": "op-3", "kind": "workspaceUp", "subject": "/home/ada/project", "state": "running", "startedAt": 1_760_000_000_000_u64, "steps": []}
        }

        /// Starts a process in a workspace or container.
        ProcessStart = "process/start" (ProcessStartParams) -> ProcessStarted {
            {"target": {"type": "workspace", "workspace": {"workspaceFolder": "/home/ada/project"}}, "argv": ["python3", "main.py"], "tty": true, "interactive": true, "size": {"columns": 80, "rows": 24}} =>
            {"processId": "p-1", "containerId": "f00d", "stream": {"streamId": "s-2", "offset": 0}}
        }
        /// Attaches to a process, from the first byte this client lacks. One whose output died with an earlier daemon
        /// is refused with `notResumable`.
        ProcessAttach = "process/attach" (ProcessAttachParams) -> ProcessAttachResult {
            {"processId": "p-1", "offset": 4096} =>
            {"process": {"processId": "p-1", "engine": "unix:///var/run/docker.sock", "containerId": "f00d", "argv": ["python3", "main.py"], "tty": true, "startedAt": 1_760_000_000_000_u64, "clients": 1, "clientPid": 4711, "outputBytes": 5000, "resumable": true, "cwd": "/workspaces/p", "foreground": "python3"}, "stream": {"streamId": "s-3", "offset": 4096}, "inputBytes": 12}
        }
        /// Sends a signal to a process.
        ProcessSignal = "process/signal" (ProcessSignalParams) -> Empty {
            {"processId": "p-1", "signal": "INT"} => {}
        }
        /// Lists the processes started through this daemon.
        ProcessList = "process/list" (ProcessListParams) -> ProcessListResult {
            {} => {"processes": []}
        }
        /// Closes a process: its terminal hangs up, and what is left of its session is killed after 2 s.
        ProcessClose = "process/close" (ProcessCloseParams) -> ProcessCloseResult {
            {"processId": "p-1"} => {"closed": true, "remaining": []}
        }
    }
    subscriptions {
        /// Follows an operation, from its first item or from the last one seen.
        OperationSubscribe = ("operation/subscribe", "operation/unsubscribe", "operation/event") (OperationSubscribeParams) -> Sequenced<OperationEvent> {
            {"operationId": "op-3", "since": {"epoch": "4f1c2a", "seq": 7}} =>
            {"epoch": "4f1c2a", "seq": 8, "event": {"type": "progress", "step": "pull", "item": "1f3e", "status": "Downloading", "done": 1024, "total": 4096}}
        }
        /// Follows the file changes of a workspace's folder.
        WatchSubscribe = ("watch/subscribe", "watch/unsubscribe", "watch/event") (WatchSubscribeParams) -> Sequenced<WatchEvent> {
            {"workspaceFolder": "/home/ada/project"} =>
            {"epoch": "77ab01", "seq": 2, "event": {"type": "changes", "changes": [{"kind": "created", "path": "created_in_container.py"}]}}
        }
    }
}
