//! The protocol itself, for tests that no verb of the command line can express: `gangplank connect --stdio`, spoken by
//! hand and without any of the product's own types.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::Sandbox;
use crate::error::fail;

/// What takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// A connection to the sandbox's daemon.
#[derive(Debug)]
pub struct Rpc {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    notifications: VecDeque<Value>,
    next_id: u64,
}

impl Rpc {
    pub(super) fn open(sandbox: &Sandbox) -> Rpc {
        let mut child = sandbox.gangplank(["connect", "--stdio"]).spawn();
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            fail("the connection has no pipes")
        };
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read_message(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut rpc = Rpc { child, input, messages, notifications: VecDeque::new(), next_id: 1 };
        let environment: serde_json::Map<String, Value> =
            sandbox.environment().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let hello = json!({
            "protocolVersion": { "major": 1, "minor": 0 },
            "client": { "name": "tests", "version": "0" },
            "environment": environment,
        });
        if let Err(error) = rpc.call("daemon/hello", &hello) {
            fail(format_args!("the daemon does not greet: {error}"));
        }
        rpc
    }

    /// Calls a method; the result, or the error object.
    ///
    /// # Errors
    /// The daemon's, as it came.
    ///
    /// # Panics
    /// When no answer comes.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let Some(mut message) = self.receive() else { fail(format_args!("{method}: no answer")) };
            if message["id"] == id {
                return match message["error"].take() {
                    Value::Null => Ok(message["result"].take()),
                    error => Err(error),
                };
            }
            self.notifications.push_back(message);
        }
    }

    /// Sends a message as it is.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let sent = write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len());
        if let Err(error) = sent.and_then(|()| self.input.flush()) {
            fail(format_args!("the connection is gone: {error}"));
        }
    }

    /// The next item of a subscription; `None` when the connection ends.
    pub fn item(&mut self) -> Option<Value> {
        let mut message = match self.notifications.pop_front() {
            Some(message) => message,
            None => self.receive()?,
        };
        Some(message["params"]["result"].take())
    }

    fn receive(&mut self) -> Option<Value> {
        self.messages.recv_timeout(DEADLINE).ok()
    }
}

impl Drop for Rpc {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut text = vec![0; length];
    output.read_exact(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}
