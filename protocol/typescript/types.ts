// Generated from protocol/src by `cargo generate`; do not edit.

/**
 * An answer.
 */
export type Answer = { "type": "trust" } | { "type": "refuse" } | { "type": "choose",
/**
 * The path or id chosen.
 */
choice: string,
/**
 * With an offer: write the file (true), or only use it this once.
 */
write: boolean, };

/**
 * What can be asked.
 */
export type Ask = { "type": "trust",
/**
 * Every effect, in full.
 */
effects: Array<HostEffect>,
/**
 * The hash that consent to exactly these effects is kept by.
 */
hash: string, } | { "type": "configuration",
/**
 * The paths.
 */
configurations: Array<string>, } | { "type": "offer",
/**
 * The offers, best first.
 */
offers: Array<ConfigurationOffer>, };

/**
 * An image for a folder without a configuration.
 */
export type ConfigurationOffer = {
/**
 * To be given when it is chosen, as in `python`.
 */
id: string,
/**
 * For people, as in `Python 3`.
 */
title: string,
/**
 * The image.
 */
image: string,
/**
 * Why it is offered, as in `the folder has main.py`.
 */
reason: string, };

/**
 * Result of `container/start`, `container/stop` and `container/remove`.
 */
export type ContainerChanged = {
/**
 * The container's id.
 */
containerId: string,
/**
 * False when it was so already.
 */
changed: boolean, };

/**
 * Result of `container/inspect`.
 */
export type ContainerDetails = {
/**
 * The engine it is on.
 */
engine: EngineId,
/**
 * Its id.
 */
id: string,
/**
 * Its name.
 */
name: string,
/**
 * The image it was made from, as it was named then.
 */
image: string,
/**
 * The id of that image.
 */
imageId: string,
/**
 * When it was made: the engine's own text.
 */
created: string,
/**
 * As in [`ContainerSummary::state`].
 */
state: string,
/**
 * When it was last started: the engine's own text.
 */
startedAt: string,
/**
 * How its main process ended, when it has.
 */
exitCode?: number,
/**
 * True when it was ended for want of memory.
 */
oomKilled: boolean,
/**
 * The engine's error, when it could not start.
 */
error?: string,
/**
 * Its environment; values may be secret.
 */
environment: Array<string>,
/**
 * The user its processes run as; empty means root.
 */
user: string,
/**
 * The directory its processes start in.
 */
workingDirectory: string,
/**
 * True when its main process has a terminal.
 */
tty: boolean,
/**
 * What is mounted in it.
 */
mounts: Array<MountPoint>,
/**
 * Its ports.
 */
ports: Array<PortMapping>,
/**
 * Its labels.
 */
labels: { [key in string]: string }, };

/**
 * Parameters of `container/list`.
 */
export type ContainerListParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Also those that do not run.
 */
all: boolean,
/**
 * Only those with all these labels, each `name` or `name=value`.
 */
labels: Array<string>, };

/**
 * Result of `container/list`.
 */
export type ContainerListResult = {
/**
 * The engine that answered.
 */
engine: EngineId,
/**
 * Its containers, newest first.
 */
containers: Array<ContainerSummary>, };

/**
 * Parameters of `container/logs`.
 */
export type ContainerLogsParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Id, a beginning of the id that only one has, or name.
 */
container: string,
/**
 * Go on with what comes.
 */
follow: boolean,
/**
 * Only so many of the last lines.
 */
tail?: number,
/**
 * Put the engine's time before each line.
 */
timestamps: boolean, };

/**
 * Result of `container/logs`: a stream that carries the output from offset 0 and ends with `exited`.
 */
export type ContainerLogsResult = {
/**
 * Where to read it.
 */
stream: StreamTicket, };

/**
 * Names one container of an engine.
 */
export type ContainerParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Id, a beginning of the id that only one has, or name.
 */
container: string,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Parameters of `container/remove`.
 */
export type ContainerRemoveParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Id, a beginning of the id that only one has, or name.
 */
container: string,
/**
 * Kill it first when it runs.
 */
force: boolean,
/**
 * Remove its anonymous volumes with it.
 */
volumes: boolean,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Parameters of `container/run`, which answers with an operation whose result is [`ContainerRunResult`].
 *
 * The fields are `docker run`'s flags; host paths in `volumes` are absolute.
 */
export type ContainerRunParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * The image; pulled first when the engine does not have it.
 */
image: string,
/**
 * Command and arguments; the image's own when empty.
 */
command: Array<string>,
/**
 * `--name`.
 */
name?: string,
/**
 * `-i`: keep standard input open.
 */
interactive: boolean,
/**
 * `-t`: give it a terminal.
 */
tty: boolean,
/**
 * `-d`: leave it in the background; the result then has no process.
 */
detach: boolean,
/**
 * `--rm`: remove it when it ends.
 */
remove: boolean,
/**
 * `-v`, each as Docker's: `host:container[:ro]` (a missing host folder is made), `volume:container`, `container`.
 */
volumes: Array<string>,
/**
 * `-e`, each `NAME=value`.
 */
environment: Array<string>,
/**
 * `-w`.
 */
workingDirectory?: string,
/**
 * `-u`.
 */
user?: string,
/**
 * `-p`, each as Docker's: without an address the port is published on all of the host's.
 */
publish: Array<string>,
/**
 * `-l`.
 */
labels: { [key in string]: string },
/**
 * `--entrypoint`; empty text means none.
 */
entrypoint?: string,
/**
 * `--hostname`.
 */
hostname?: string,
/**
 * `--network`.
 */
network?: string,
/**
 * `--init`.
 */
init: boolean,
/**
 * Size of the terminal, with `tty`.
 */
size?: TerminalSize,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * What `container/run` comes to.
 */
export type ContainerRunResult = {
/**
 * The container's id.
 */
containerId: string,
/**
 * Its main process, unless it was detached.
 */
process?: ProcessStarted,
/**
 * What the engine warned of.
 */
warnings: Array<string>, };

/**
 * Parameters of `container/stop`.
 */
export type ContainerStopParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Id, a beginning of the id that only one has, or name.
 */
container: string,
/**
 * Seconds between the polite signal and the kill; the container's own setting without it.
 */
timeoutSeconds?: number,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * One container, in a list.
 */
export type ContainerSummary = {
/**
 * Its id.
 */
id: string,
/**
 * Its name.
 */
name: string,
/**
 * The image it was made from, as it was named then.
 */
image: string,
/**
 * What it runs.
 */
command: string,
/**
 * When it was made.
 */
createdAt: number,
/**
 * `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
 */
state: string,
/**
 * The same for people, as in `Exited (0) 3 minutes ago`.
 */
status: string,
/**
 * Its ports.
 */
ports: Array<PortMapping>,
/**
 * Its labels.
 */
labels: { [key in string]: string }, };

/**
 * A place in a feed. `epoch` names one life of the feed (a new one starts with the daemon or when history was
 * lost); `seq` counts its items from 1.
 */
export type Cursor = {
/**
 * Which life of the feed this place belongs to.
 */
epoch: string,
/**
 * The number of the item, from 1; 0 stands before the first.
 */
seq: number, };

/**
 * What the daemon is busy with. It ends by itself only when all are 0.
 */
export type DaemonActivity = {
/**
 * Client connections.
 */
connections: number,
/**
 * Running operations.
 */
operations: number,
/**
 * Processes that have not ended.
 */
processes: number,
/**
 * Open streams.
 */
streams: number,
/**
 * Watched workspaces.
 */
watches: number, };

/**
 * Parameters of `daemon/hello`.
 */
export type DaemonHelloParams = {
/**
 * The version the client speaks.
 */
protocolVersion: ProtocolVersion,
/**
 * Who is calling.
 */
client: Program,
/**
 * Those variables of the client's environment that lead to an engine and to credentials: `DOCKER_*`, `HOME`,
 * `PATH`, `XDG_RUNTIME_DIR`, `SSH_AUTH_SOCK`. Kept in memory for this connection only.
 */
environment: { [key in string]: string },
/**
 * A Docker context that goes before everything in the environment (`--context`).
 */
context?: string, };

/**
 * Result of `daemon/hello`.
 */
export type DaemonHelloResult = {
/**
 * The version the daemon speaks.
 */
protocolVersion: ProtocolVersion,
/**
 * The daemon's build.
 */
daemon: Program,
/**
 * Names this life of the daemon: another value means that it was started again.
 */
epoch: string,
/**
 * What this daemon can do beyond the methods of its version.
 */
capabilities: Array<string>,
/**
 * The engine the client's environment leads to; absent when none was found at once. Requests that name no engine
 * use it, and look again when it is absent.
 */
engine?: EngineId, };

/**
 * The content of `daemon.json` in the state directory, by which clients find the daemon. Written once it listens,
 * removed when it ends.
 */
export type DaemonRecord = {
/**
 * The daemon's process id.
 */
pid: number,
/**
 * Its socket, absolute, at most 100 bytes.
 */
socket: string,
/**
 * Its build.
 */
version: string,
/**
 * The protocol it speaks.
 */
protocolVersion: ProtocolVersion,
/**
 * The loopback address it listens on as well, if it was asked to.
 */
tcp?: string,
/**
 * The file that holds the bearer token for that address.
 */
tokenFile?: string, };

/**
 * Result of `daemon/status`.
 */
export type DaemonStatus = {
/**
 * The daemon's build.
 */
daemon: Program,
/**
 * Names this life of the daemon.
 */
epoch: string,
/**
 * Its process id on the host.
 */
pid: number,
/**
 * When it started.
 */
startedAt: number,
/**
 * The socket it listens on.
 */
socket: string,
/**
 * The loopback address it listens on, if it was asked to.
 */
tcp?: string,
/**
 * Its log.
 */
logPath: string,
/**
 * The engines it has used, with their state.
 */
engines: Array<EngineStatus>,
/**
 * Counts of what keeps it from exiting when idle.
 */
activity: DaemonActivity,
/**
 * Seconds without activity after which it ends by itself; 0 means never.
 */
idleTimeoutSeconds: number,
/**
 * Requests refused and panics caught since it started, by name.
 */
counters: { [key in string]: number }, };

/**
 * A problem in a configuration file.
 */
export type Diagnostic = {
/**
 * How bad it is.
 */
severity: Severity,
/**
 * What is wrong, and what was expected.
 */
message: string,
/**
 * The file, absolute.
 */
file: string,
/**
 * The line, from 1; 0 when it is about the file as a whole.
 */
line: number,
/**
 * The column in characters, from 1; 0 when it is about the file as a whole.
 */
column: number,
/**
 * The property, as in `hooks.postCreateCommand`.
 */
property?: string,
/**
 * What to do about it, as in a name that was probably meant.
 */
hint?: string, };

/**
 * Parameters of methods that need none.
 */
export type Empty = Record<symbol, never>;

/**
 * What an engine can do; what is missing is refused with `unsupported`, not tried.
 */
export type EngineCapabilities = {
/**
 * Folders of this machine can be mounted.
 */
bindLocal: boolean,
/**
 * Processes can be started in running containers.
 */
exec: boolean,
/**
 * A container can be saved as an image.
 */
commit: boolean,
/**
 * Images can be built.
 */
build: boolean,
/**
 * It tells of changes by itself.
 */
events: boolean, };

/**
 * Names an engine: its endpoint (`unix:///var/run/docker.sock`, `tcp://host:2375`), with `#context=NAME` where the
 * endpoint needs a Docker context's TLS files.
 */
export type EngineId = string;

/**
 * What an engine is and can do.
 */
export type EngineInfo = {
/**
 * The id to name it by in other requests.
 */
engine: EngineId,
/**
 * `docker` or `podman`.
 */
product: string,
/**
 * Its version, as it says it.
 */
version: string,
/**
 * The API version used with it.
 */
apiVersion: string,
/**
 * Operating system and architecture of the machine it runs containers on, as in `linux/amd64`.
 */
platform: string,
/**
 * The storage driver, as the engine says it.
 */
storageDriver: string,
/**
 * True when the engine's socket is on this machine.
 */
local: boolean,
/**
 * What it can do.
 */
capabilities: EngineCapabilities, };

/**
 * Parameters of `engine/info`.
 */
export type EngineInfoParams = {
/**
 * The engine asked about; without it the one this client's `daemon/hello` leads to.
 */
engine?: EngineId, };

/**
 * An engine the daemon has used.
 */
export type EngineStatus = {
/**
 * Its id.
 */
engine: EngineId,
/**
 * Whether it answers.
 */
available: boolean,
/**
 * Why it does not.
 */
reason?: string, };

/**
 * The `data` of a JSON-RPC error, and the error of a failed operation.
 */
export type ErrorData = {
/**
 * What kind of failure this is.
 */
kind: ErrorKind,
/**
 * One sentence: what failed, on what. Free of control characters.
 */
message: string,
/**
 * The step of a long operation that failed, as in its progress.
 */
step?: string,
/**
 * Why, from the nearest cause to the root.
 */
causes: Array<string>,
/**
 * What the user can do about it.
 */
hint?: string,
/**
 * Path on the host of the log with everything about it.
 */
logPath?: string,
/**
 * More about it, by kind: see [`ErrorDetails`].
 */
details?: ErrorDetails, };

/**
 * What some kinds of error add.
 */
export type ErrorDetails = { "type": "diagnostics",
/**
 * The problems, in the order of the file.
 */
diagnostics: Array<Diagnostic>, } | { "type": "offers",
/**
 * The offers, best first.
 */
offers: Array<ConfigurationOffer>, } | { "type": "configurations",
/**
 * Their paths.
 */
configurations: Array<string>, } | { "type": "hostEffects",
/**
 * Every effect, in full.
 */
effects: Array<HostEffect>,
/**
 * The hash that consent to exactly these effects is kept by.
 */
hash: string, } | { "type": "command",
/**
 * Its exit code, if it ran.
 */
exitCode?: number,
/**
 * The last lines it wrote, oldest first.
 */
lastOutput: Array<string>,
/**
 * The container it ran in, left as it is.
 */
containerId?: string, };

/**
 * What went wrong, as a stable name. Numbers and names are part of the contract: they are never reused.
 */
export type ErrorKind = "invalidParams" | "internal" | "engineUnavailable" | "engineFailed" | "notFound" | "conflict" | "imageNotFound" | "registryUnreachable" | "authenticationRequired" | "configurationNotFound" | "configurationAmbiguous" | "configurationInvalid" | "notApplied" | "untrusted" | "lifecycleFailed" | "workspaceNotOnEngine" | "containerState" | "commandNotExecutable" | "cancelled" | "interrupted" | "timeout" | "notResumable" | "busy" | "requestKeyConflict" | "protocolVersionMismatch" | "notAsked" | "unsupported" | "io";

/**
 * One change.
 */
export type FileChange = {
/**
 * What happened.
 */
kind: FileChangeKind,
/**
 * Where, relative to the folder, with `/`. Bytes that are not UTF-8 are shown as U+FFFD.
 */
path: string,
/**
 * Where it was before, for `renamed`.
 */
from?: string, };

/**
 * What happened to a file or folder.
 */
export type FileChangeKind = "created" | "modified" | "deleted" | "renamed";

/**
 * What happened to a hook the last time it ran through this daemon's user.
 */
export type HookRecord = {
/**
 * The property, as in `postCreateCommand`.
 */
hook: string,
/**
 * When it began.
 */
startedAt: number,
/**
 * How long it took, in milliseconds; absent while it runs.
 */
durationMs?: number,
/**
 * Its exit code; absent while it runs, and when it was cut off.
 */
exitCode?: number, };

/**
 * Something a configuration does to the host.
 */
export type HostEffect = {
/**
 * The kind, as in `hostCommand`, `hostMount`, `privileged`.
 */
kind: string,
/**
 * The property it comes from.
 */
property: string,
/**
 * Its value in full, control and bidirectional characters escaped.
 */
value: string,
/**
 * What it means for the host.
 */
reason: string, };

/**
 * Parameters of `image/list`.
 */
export type ImageListParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId, };

/**
 * Result of `image/list`.
 */
export type ImageListResult = {
/**
 * The engine that answered.
 */
engine: EngineId,
/**
 * Its images, newest first.
 */
images: Array<ImageSummary>, };

/**
 * Parameters of `image/pull`, which answers with an operation whose result is [`ImagePullResult`].
 */
export type ImagePullParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * The image, as `docker pull` takes it.
 */
image: string,
/**
 * As in `linux/arm64`; the engine's own without it.
 */
platform?: string,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * What `image/pull` comes to.
 */
export type ImagePullResult = {
/**
 * The image as it was asked for, with the tag that was taken.
 */
image: string,
/**
 * Its id.
 */
id: string,
/**
 * False when the engine already had exactly this.
 */
changed: boolean, };

/**
 * Parameters of `image/remove`.
 */
export type ImageRemoveParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Name or id.
 */
image: string,
/**
 * Also when stopped containers use it, and with all its names.
 */
force: boolean,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Result of `image/remove`.
 */
export type ImageRemoveResult = {
/**
 * Names taken away.
 */
untagged: Array<string>,
/**
 * Ids removed from disk.
 */
deleted: Array<string>, };

/**
 * One image.
 */
export type ImageSummary = {
/**
 * Its id, with the algorithm.
 */
id: string,
/**
 * `repository:tag` names; empty for an image without a name.
 */
tags: Array<string>,
/**
 * Digests it was pulled by.
 */
digests: Array<string>,
/**
 * When it was made; negative values do not occur.
 */
createdAt: number,
/**
 * Bytes on disk, as the engine counts them.
 */
size: number, };

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

/**
 * Something mounted in a container.
 */
export type MountPoint = {
/**
 * `bind`, `volume` or `tmpfs`.
 */
kind: string,
/**
 * The host path or the volume's name; empty for `tmpfs`.
 */
source: string,
/**
 * Where it is in the container.
 */
target: string,
/**
 * True when the container may not write.
 */
readOnly: boolean, };

/**
 * An operation as it stands.
 */
export type Operation = {
/**
 * Its id.
 */
operationId: string,
/**
 * What it is about.
 */
kind: OperationKind,
/**
 * For people: the image, the folder.
 */
subject: string,
/**
 * The engine it works on, once that is known.
 */
engine?: EngineId,
/**
 * How it stands.
 */
state: OperationState,
/**
 * When it began.
 */
startedAt: number,
/**
 * When it ended.
 */
endedAt?: number,
/**
 * Its steps so far.
 */
steps: Array<Step>,
/**
 * What it asks, in state `needsInput`.
 */
question?: Question,
/**
 * What it came to; the method says which type.
 */
result?: JsonValue,
/**
 * Why it failed.
 */
error?: ErrorData,
/**
 * What to do next, for `failed`, `interrupted`, and `cancelled` in a hook that counts as run.
 */
nextStep?: string,
/**
 * Everything it wrote, on the host.
 */
logPath?: string, };

/**
 * Parameters of `operation/answer`.
 */
export type OperationAnswerParams = {
/**
 * The operation.
 */
operationId: string,
/**
 * The question answered; one that is not open is refused with `notAsked`.
 */
questionId: string,
/**
 * The answer.
 */
answer: Answer, };

/**
 * An item of an operation's feed.
 */
export type OperationEvent = { "type": "step",
/**
 * The step.
 */
step: Step, } | { "type": "progress",
/**
 * The step's name.
 */
step: string,
/**
 * What of it: a layer's id; empty for the step as a whole.
 */
item: string,
/**
 * What happens to it, as in `Downloading`.
 */
status: string,
/**
 * Bytes done.
 */
done?: number,
/**
 * Bytes in all.
 */
total?: number, } | { "type": "output",
/**
 * The step's name.
 */
step: string,
/**
 * Which command of a hook in object form.
 */
command?: string,
/**
 * The text, with its line ends.
 */
text: string, } | { "type": "warning",
/**
 * One sentence.
 */
message: string,
/**
 * Where in the configuration, if it is about that.
 */
diagnostic?: Diagnostic, } | { "type": "hostEffects",
/**
 * Every effect.
 */
effects: Array<HostEffect>, } | { "type": "question",
/**
 * The question.
 */
question: Question, } | { "type": "answered",
/**
 * The question.
 */
questionId: string, } | { "type": "ended",
/**
 * How.
 */
operation: Operation, };

/**
 * What an operation is about.
 */
export type OperationKind = "imagePull" | "containerRun" | "workspaceUp" | "workspaceRebuild";

/**
 * Names an operation.
 */
export type OperationParams = {
/**
 * The operation.
 */
operationId: string, };

/**
 * Result of every method that begins long work.
 */
export type OperationStarted = {
/**
 * The operation.
 */
operationId: string,
/**
 * True when the same work was running already and this request joined it.
 */
joined: boolean, };

/**
 * How an operation stands.
 */
export type OperationState = "running" | "needsInput" | "succeeded" | "failed" | "cancelled" | "interrupted";

/**
 * Parameters of `operation/subscribe`.
 */
export type OperationSubscribeParams = {
/**
 * The operation.
 */
operationId: string,
/**
 * The last item the client has seen; without it the feed begins with the first.
 */
since?: Cursor, };

/**
 * A port of a container.
 */
export type PortMapping = {
/**
 * The port in the container.
 */
containerPort: number,
/**
 * `tcp`, `udp` or `sctp`.
 */
protocol: string,
/**
 * The address on the host, when it is published.
 */
hostAddress?: string,
/**
 * The port on the host, when it is published.
 */
hostPort?: number, };

/**
 * A process in a container.
 */
export type Process = {
/**
 * Its id; never given twice.
 */
processId: string,
/**
 * The engine of its container.
 */
engine: EngineId,
/**
 * Its container.
 */
containerId: string,
/**
 * Program and arguments.
 */
argv: Array<string>,
/**
 * True when it has a terminal.
 */
tty: boolean,
/**
 * When it was started.
 */
startedAt: number,
/**
 * How many clients are attached.
 */
clients: number,
/**
 * The process id, on the daemon's machine, of the program that asked for its stream last; absent for one that came by
 * TCP. So an editor finds the process behind a terminal of its own.
 */
clientPid?: number,
/**
 * Bytes of output so far.
 */
outputBytes: number,
/**
 * True when it outlives this daemon: an agent in its container hosts it.
 */
resumable: boolean,
/**
 * The name it was given when it was started.
 */
name?: string,
/**
 * What its own program calls the terminal.
 */
title?: string,
/**
 * The directory its shell is in.
 */
cwd?: string,
/**
 * The name of what runs in its terminal's foreground.
 */
foreground?: string,
/**
 * The last commands of its shell, oldest first, where that marks them (OSC 133 or 633); the last may still run.
 */
commands: Array<ProcessCommand>,
/**
 * How it ended, when it has.
 */
exit?: ProcessExit, };

/**
 * Parameters of `process/attach`.
 */
export type ProcessAttachParams = {
/**
 * The process.
 */
processId: string,
/**
 * The first byte of output that this client lacks; what is still held from the start of it without this.
 */
offset?: number, };

/**
 * Result of `process/attach`.
 */
export type ProcessAttachResult = {
/**
 * The process as it is now.
 */
process: Process,
/**
 * Its stream.
 */
stream: StreamTicket,
/**
 * Bytes of input that the process has taken from all its clients so far; absent when nobody counts them. So a client
 * that comes back knows which of its own are still to be sent.
 */
inputBytes?: number, };

/**
 * Parameters of `process/close`.
 */
export type ProcessCloseParams = {
/**
 * The process.
 */
processId: string,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Result of `process/close`.
 */
export type ProcessCloseResult = {
/**
 * False when it had ended already.
 */
closed: boolean,
/**
 * Processes of its session that made sessions of their own and go on.
 */
remaining: Array<string>, };

/**
 * One command line of a shell, as the shell's own marks tell.
 */
export type ProcessCommand = {
/**
 * The line, where the shell told it.
 */
line?: string,
/**
 * When it began.
 */
startedAt: number,
/**
 * How long it took, in milliseconds; absent while it runs.
 */
durationMs?: number,
/**
 * Its exit code, where the shell told it.
 */
exitCode?: number,
/**
 * Offset of its first byte of output.
 */
outputOffset: number, };

/**
 * How a process ended.
 */
export type ProcessExit = {
/**
 * Its exit code: 0 to 255, 128 + signal for a signal, absent when nobody could learn it.
 */
code?: number,
/**
 * Why, where it was not by itself: `containerStopped`, `outOfMemory`, `engineUnavailable`,
 * `agentEnded`, `closed`, `idle`.
 */
reason?: string,
/**
 * The same for people.
 */
message?: string, };

/**
 * Parameters of `process/list`.
 */
export type ProcessListParams = {
/**
 * Only those of this container.
 */
containerId?: string, };

/**
 * Result of `process/list`.
 */
export type ProcessListResult = {
/**
 * The processes started through this daemon, and those that outlived earlier ones, oldest first; ended ones are kept
 * for a while.
 */
processes: Array<Process>, };

/**
 * Parameters of `process/signal`.
 */
export type ProcessSignalParams = {
/**
 * The process.
 */
processId: string,
/**
 * POSIX name without `SIG`, as in `INT`.
 */
signal: string,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Parameters of `process/start`.
 */
export type ProcessStartParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Where it runs.
 */
target: ProcessTarget,
/**
 * Program and arguments, passed on unchanged; empty means the user's login shell.
 */
argv: Array<string>,
/**
 * Give it a terminal.
 */
tty: boolean,
/**
 * Keep standard input open; without it the process reads end of input at once.
 */
interactive: boolean,
/**
 * Leave it running without a stream.
 */
detach: boolean,
/**
 * A directory in the container, or a host directory beneath the workspace folder (`hostDirectory`).
 */
cwd?: string,
/**
 * A directory of this machine to be mapped into the container, used when `cwd` is absent; one that is not mounted
 * there counts as the workspace folder.
 */
hostDirectory?: string,
/**
 * Variables on top of the remote environment.
 */
environment: { [key in string]: string },
/**
 * A name to find it by in lists.
 */
name?: string,
/**
 * Its terminal is closed when nobody was attached for so many seconds and only its shell is there, waiting for a
 * command; 86,400 without this, never with 0.
 */
idleTimeoutSeconds?: number,
/**
 * Another user than the target's own.
 */
user?: string,
/**
 * Size of the terminal, with `tty`.
 */
size?: TerminalSize,
/**
 * The client's environment, for `${localEnv:…}` in `remoteEnv`. In memory only; a variable that was not allowed for
 * this container by a `workspace/up` is refused with `untrusted`.
 */
clientEnvironment: { [key in string]: string },
/**
 * Who decides about such a variable: `grant` gives it this once; nobody can be asked here, so `ask` refuses.
 */
trust: Trust,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Result of `process/start`.
 */
export type ProcessStarted = {
/**
 * The process's id in this daemon.
 */
processId: string,
/**
 * The container it runs in.
 */
containerId: string,
/**
 * Its stream, unless it was detached.
 */
stream?: StreamTicket, };

/**
 * Where a process runs.
 */
export type ProcessTarget = { "type": "workspace",
/**
 * Which workspace.
 */
workspace: WorkspaceSelector, } | { "type": "container",
/**
 * Id, a beginning of the id that only one has, or name.
 */
container: string, };

/**
 * Name and version of a program.
 */
export type Program = {
/**
 * Its name, as in `gangplank` or `gangplank-vscode`.
 */
name: string,
/**
 * Its version.
 */
version: string, };

/**
 * A protocol version.
 */
export type ProtocolVersion = {
/**
 * Equal majors understand each other.
 */
major: number,
/**
 * Grows with additions.
 */
minor: number, };

/**
 * A question to the user.
 */
export type Question = {
/**
 * To be given with the answer.
 */
questionId: string,
/**
 * What is asked.
 */
ask: Ask, };

/**
 * One item of a feed together with its place.
 */
export type Sequenced<T> = {
/**
 * Which life of the feed this item belongs to.
 */
epoch: string,
/**
 * The item's number, from 1, without gaps within an epoch unless `resync` says so.
 */
seq: number,
/**
 * True when items before this one were lost to this subscriber: read the whole state again.
 */
resync?: boolean,
/**
 * The item.
 */
event: T, };

/**
 * How bad a problem is.
 */
export type Severity = "error" | "warning";

/**
 * A step of an operation.
 */
export type Step = {
/**
 * Its name, as in `pull`, `create`, `postCreateCommand`.
 */
step: string,
/**
 * The same for people.
 */
title: string,
/**
 * How it stands.
 */
status: StepStatus,
/**
 * When it began.
 */
startedAt: number,
/**
 * When it ended.
 */
endedAt?: number,
/**
 * The exit code, for a hook.
 */
exitCode?: number, };

/**
 * How a step stands.
 */
export type StepStatus = "running" | "succeeded" | "failed" | "skipped" | "cancelled";

/**
 * Leave to open one stream, once, from the same user, within 10 s.
 */
export type StreamTicket = {
/**
 * The `id` in the stream's path, `/stream/{id}`.
 */
streamId: string,
/**
 * The offset of the first byte of output that the stream will carry.
 */
offset: number, };

/**
 * Size of a terminal, in character cells.
 */
export type TerminalSize = {
/**
 * Columns, from 1.
 */
columns: number,
/**
 * Rows, from 1.
 */
rows: number, };

/**
 * Who decides about what a configuration does to the host.
 */
export type Trust = "ask" | "refuse" | "grant";

/**
 * An item of the feed.
 */
export type WatchEvent = { "type": "ready",
/**
 * How many directories are watched.
 */
directories: number, } | { "type": "changes",
/**
 * The changes.
 */
changes: Array<FileChange>, } | { "type": "configurationChanged",
/**
 * Which, relative to the folder.
 */
paths: Array<string>, } | { "type": "rescanned",
/**
 * Why.
 */
reason: string, } | { "type": "degraded",
/**
 * Why, and what to do about it.
 */
reason: string, } | { "type": "folderGone" };

/**
 * Parameters of `watch/subscribe`.
 */
export type WatchSubscribeParams = {
/**
 * The workspace's folder on the host, absolute.
 */
workspaceFolder: string,
/**
 * Also `.git` internals, `node_modules` and what `.gitignore` hides.
 */
all: boolean,
/**
 * The last item the client has seen.
 */
since?: Cursor, };

/**
 * A workspace in a list.
 */
export type Workspace = {
/**
 * The folder, as the container's label has it.
 */
workspaceFolder: string,
/**
 * The configuration file, as the container's label has it.
 */
configuration?: string,
/**
 * Its container.
 */
container: WorkspaceContainer,
/**
 * The operation that works on it, if one does.
 */
operationId?: string, };

/**
 * Result of `workspace/stop` and `workspace/remove`.
 */
export type WorkspaceChanged = {
/**
 * The containers it was about.
 */
containerIds: Array<string>,
/**
 * False when it was so already.
 */
changed: boolean, };

/**
 * Parameters of `workspace/configure`.
 */
export type WorkspaceConfigureParams = {
/**
 * Which workspace.
 */
workspace: WorkspaceSelector,
/**
 * The id of one of the plan's offers, as in `python`.
 */
offer: string,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Result of `workspace/configure`.
 */
export type WorkspaceConfigureResult = {
/**
 * The configuration that was written, absolute.
 */
configuration: string, };

/**
 * The container of a workspace.
 */
export type WorkspaceContainer = {
/**
 * The engine it is on.
 */
engine: EngineId,
/**
 * Its id.
 */
containerId: string,
/**
 * Its name.
 */
name: string,
/**
 * The image it was made from, as it was named then.
 */
image: string,
/**
 * As in [`crate::container::ContainerSummary::state`].
 */
state: string, };

/**
 * Result of `workspace/inspect`.
 */
export type WorkspaceDetails = {
/**
 * The workspace.
 */
workspace: Workspace,
/**
 * The phase it is in: `stopped`, `running`, or `working` while an operation is at it.
 */
phase: string,
/**
 * The user that processes run as.
 */
remoteUser: string,
/**
 * Where the workspace is in the container.
 */
remoteWorkspaceFolder: string,
/**
 * What has happened to each hook in this container, in order.
 */
hooks: Array<HookRecord>,
/**
 * Who hosts the processes of the remote user: `agent`, in the container, with which they outlive the daemon, or
 * `exec`, the engine.
 */
processHost: string,
/**
 * Why it is not the agent, for people.
 */
processHostReason?: string, };

/**
 * Parameters of `workspace/list`.
 */
export type WorkspaceListParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId, };

/**
 * Result of `workspace/list`.
 */
export type WorkspaceListResult = {
/**
 * The engine that answered.
 */
engine: EngineId,
/**
 * The workspaces that have a container on it, whoever made it.
 */
workspaces: Array<Workspace>, };

/**
 * Names one workspace of an engine.
 */
export type WorkspaceParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Which workspace.
 */
workspace: WorkspaceSelector,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * Parameters of `workspace/plan`.
 */
export type WorkspacePlanParams = {
/**
 * The engine; the client's own without it. The plan stands without an engine too, with less in it.
 */
engine?: EngineId,
/**
 * Which workspace.
 */
workspace: WorkspaceSelector,
/**
 * The client's environment, for `${localEnv:…}`. In memory only.
 */
clientEnvironment: { [key in string]: string }, };

/**
 * Result of `workspace/plan`: what `workspace/up` would start from. Nothing is changed.
 */
export type WorkspacePlanResult = {
/**
 * The folder, canonical.
 */
workspaceFolder: string,
/**
 * Every configuration found, absolute paths in the specification's order.
 */
configurations: Array<string>,
/**
 * The one that would be used; absent when there is none or it must be chosen.
 */
configuration?: string,
/**
 * Images that suit a folder without a configuration, best first.
 */
offers: Array<ConfigurationOffer>,
/**
 * The configuration's name.
 */
name?: string,
/**
 * Its image.
 */
image?: string,
/**
 * Where the workspace will be in the container.
 */
remoteWorkspaceFolder?: string,
/**
 * Every problem of the configuration: errors stop `up`, warnings do not.
 */
diagnostics: Array<Diagnostic>,
/**
 * Properties that are known but not applied yet.
 */
notApplied: Array<string>,
/**
 * `customizations` by tool, as written.
 */
customizations: JsonValue,
/**
 * What it would do to the host.
 */
hostEffects: Array<HostEffect>,
/**
 * The hash that consent to exactly these effects is kept by; absent when there are none.
 */
hostEffectsHash?: string,
/**
 * True when there are no effects or this user trusted exactly these in this folder.
 */
trusted: boolean,
/**
 * The workspace's container, if it has one and an engine answers.
 */
container?: WorkspaceContainer, };

/**
 * Names a workspace: by its container's labels, its folder, or its container. What is given must agree.
 */
export type WorkspaceSelector = {
/**
 * The folder on the host, absolute.
 */
workspaceFolder?: string,
/**
 * The configuration file, absolute; found in the folder without it.
 */
config?: string,
/**
 * The configuration file whose content stands in for that of `config`, absolute.
 */
overrideConfig?: string,
/**
 * Labels, each `name=value`, that tell the container apart instead of the two usual ones.
 */
idLabels: Array<string>,
/**
 * The container itself: id, beginning of the id, or name.
 */
containerId?: string, };

/**
 * Parameters of `workspace/up` and `workspace/rebuild`, which answer with an operation whose result is
 * [`WorkspaceUpResult`]. The flags are the reference CLI's.
 */
export type WorkspaceUpParams = {
/**
 * The engine; the client's own without it.
 */
engine?: EngineId,
/**
 * Which workspace.
 */
workspace: WorkspaceSelector,
/**
 * Who decides about host effects.
 */
trust: Trust,
/**
 * True when a person can answer: choosing a configuration or an image is then asked instead of refused.
 */
interactive: boolean,
/**
 * The client's environment, for `${localEnv:…}` and `initializeCommand`. In memory only.
 */
clientEnvironment: { [key in string]: string },
/**
 * Remove a container that is there and make a new one.
 */
removeExistingContainer: boolean,
/**
 * Fail when there is no container yet.
 */
expectExistingContainer: boolean,
/**
 * Get the image again even when the engine has it.
 */
pull: boolean,
/**
 * Run no hook in the container.
 */
skipPostCreate: boolean,
/**
 * Return after `waitFor`'s hook instead of after the last one.
 */
skipNonBlockingCommands: boolean,
/**
 * Do not run `postAttachCommand`.
 */
skipPostAttach: boolean,
/**
 * More mounts, each as `--mount`.
 */
mounts: Array<string>,
/**
 * Variables for hooks and processes, each `NAME=value`.
 */
remoteEnvironment: Array<string>,
/**
 * Mount the folder's git root rather than the folder itself.
 */
mountWorkspaceGitRoot: boolean,
/**
 * What `userEnvProbe` is when nothing says: `none`, `loginShell`, `interactiveShell`, `loginInteractiveShell`.
 */
defaultUserEnvProbe?: string,
/**
 * Put the configuration in the result.
 */
includeConfiguration: boolean,
/**
 * The same key again gives the first answer.
 */
requestKey?: string, };

/**
 * What `workspace/up` comes to.
 */
export type WorkspaceUpResult = {
/**
 * The engine the container is on.
 */
engine: EngineId,
/**
 * The folder, canonical.
 */
workspaceFolder: string,
/**
 * The container.
 */
containerId: string,
/**
 * The user that processes run as.
 */
remoteUser: string,
/**
 * Where the workspace is in the container.
 */
remoteWorkspaceFolder: string,
/**
 * True when the container was made by this operation.
 */
created: boolean,
/**
 * The configuration as read, when asked for.
 */
configuration?: JsonValue, };
