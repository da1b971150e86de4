//! What tests of programs do to a store in this process: the native half of `Etcd.memory()`.

use crate::binding::options::{invalid, limit};
use crate::transport::memory::faults::{Effect, Fault, Rule};
use crate::transport::memory::server::Server;
use crate::v2::key::Key;
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// A store in this process, by its name.
#[napi]
pub struct NativeMemory {
    server: Arc<Server>,
}

/// How a request fails.
#[napi(string_enum = "lowercase")]
pub enum MemoryFault {
    Refused,
    Timeout,
    Unavailable,
    Election,
    Lost,
}

#[napi]
impl NativeMemory {
    #[napi(constructor)]
    pub fn new(name: String) -> Self {
        let server = Server::named(&name);
        server.start_log();
        Self { server }
    }

    #[napi]
    pub fn reset(&self) {
        self.server.reset();
    }

    /// Throws `InvalidArg` when the text is no contents of a store.
    #[napi(catch_unwind)]
    pub fn load(&self, json: String) -> Result<()> {
        self.server.load(&json).map_err(invalid)
    }

    /// The contents as JSON.
    #[napi(catch_unwind)]
    pub fn dump(&self) -> Result<String> {
        let json = self.server.dump().map_err(invalid)?;
        String::from_utf8(json).map_err(invalid)
    }

    #[napi(catch_unwind)]
    pub fn advance(&self, milliseconds: f64) {
        self.server.advance(limit(milliseconds).unwrap_or_default());
    }

    /// The next requests that fit fail.
    #[napi]
    pub fn fail(
        &self,
        method: Option<String>,
        key: Option<String>,
        times: u32,
        fault: MemoryFault,
    ) -> Result<()> {
        let fault = match fault {
            MemoryFault::Refused => Fault::Refused,
            MemoryFault::Timeout => Fault::Timeout,
            MemoryFault::Unavailable => Fault::Unavailable,
            MemoryFault::Election => Fault::Election,
            MemoryFault::Lost => Fault::Lost,
        };
        self.add_rule(method, key, times, Effect::Fail(fault))
    }

    /// The next requests that fit take longer.
    #[napi]
    pub fn delay(
        &self,
        method: Option<String>,
        key: Option<String>,
        times: u32,
        milliseconds: f64,
    ) -> Result<()> {
        let time = limit(milliseconds).unwrap_or(Duration::ZERO);
        self.add_rule(method, key, times, Effect::Delay(time))
    }

    /// The requests that were made, as JSON.
    #[napi]
    pub fn requests(&self) -> Result<String> {
        serde_json::to_string(&self.server.asked()).map_err(invalid)
    }

    #[napi]
    pub fn disconnect(&self) {
        self.server.disconnect();
    }

    #[napi]
    pub fn reconnect(&self) {
        self.server.reconnect();
    }

    #[napi]
    pub fn compact(&self) {
        self.server.compact();
    }

    fn add_rule(&self, verb: Option<String>, key: Option<String>, times: u32, effect: Effect) -> Result<()> {
        let decoded = |key: String| Key::parse(&key).map(|key| key.name()).map_err(invalid);
        let name = key.map(decoded).transpose()?;
        self.server.add_rule(Rule { verb, name, times, effect });
        Ok(())
    }
}
