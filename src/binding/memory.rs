//! What tests of programs do to a store in this process: the native half of `Etcd.memory()`.

use crate::binding::options::{invalid, limit};
use crate::binding::panics::{Place, drill};
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
    #[napi(constructor, catch_unwind)]
    pub fn new(name: String) -> Self {
        drill(Place::Entry);
        let server = Server::named(&name);
        server.start_log();
        Self { server }
    }

    #[napi(catch_unwind)]
    pub fn reset(&self) {
        drill(Place::Entry);
        self.server.reset();
    }

    /// Throws `InvalidArg` when the text is no contents of a store.
    #[napi(catch_unwind)]
    pub fn load(&self, json: String) -> Result<()> {
        drill(Place::Entry);
        self.server.load(&json).map_err(invalid)
    }

    /// The contents as JSON.
    #[napi(catch_unwind)]
    pub fn dump(&self) -> Result<String> {
        drill(Place::Entry);
        let json = self.server.dump().map_err(invalid)?;
        String::from_utf8(json).map_err(invalid)
    }

    #[napi(catch_unwind)]
    pub fn advance(&self, milliseconds: f64) {
        drill(Place::Entry);
        self.server.advance(limit(milliseconds).unwrap_or_default());
    }

    /// The next requests that fit fail.
    #[napi(catch_unwind)]
    pub fn fail(
        &self,
        method: Option<String>,
        key: Option<String>,
        times: u32,
        fault: MemoryFault,
    ) -> Result<()> {
        drill(Place::Entry);
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
    #[napi(catch_unwind)]
    pub fn delay(
        &self,
        method: Option<String>,
        key: Option<String>,
        times: u32,
        milliseconds: f64,
    ) -> Result<()> {
        drill(Place::Entry);
        let time = limit(milliseconds).unwrap_or(Duration::ZERO);
        self.add_rule(method, key, times, Effect::Delay(time))
    }

    /// The requests that were made, as JSON.
    #[napi(catch_unwind)]
    pub fn requests(&self) -> Result<String> {
        drill(Place::Entry);
        serde_json::to_string(&self.server.asked()).map_err(invalid)
    }

    #[napi(catch_unwind)]
    pub fn disconnect(&self) {
        drill(Place::Entry);
        self.server.disconnect();
    }

    #[napi(catch_unwind)]
    pub fn reconnect(&self) {
        drill(Place::Entry);
        self.server.reconnect();
    }

    #[napi(catch_unwind)]
    pub fn compact(&self) {
        drill(Place::Entry);
        self.server.compact();
    }

    fn add_rule(&self, verb: Option<String>, key: Option<String>, times: u32, effect: Effect) -> Result<()> {
        let decoded = |key: String| Key::parse(&key).map(|key| key.name()).map_err(invalid);
        let name = key.map(decoded).transpose()?;
        self.server.add_rule(Rule { verb, name, times, effect });
        Ok(())
    }
}
