//! Holds the event loop of an environment while requests are in flight.

use napi::bindgen_prelude::*;
use napi::threadsafe_function::ThreadsafeFunction;

/// A threadsafe function that is never called: referenced, it keeps the loop alive. (The one that reports cannot be
/// used for this, as it is shared with other threads and referencing needs it exclusively.)
pub struct LoopGuard(ThreadsafeFunction<(), (), (), Status, false, true, 0>);

impl LoopGuard {
    /// Starts released.
    ///
    /// # Errors
    /// When Node cannot create a threadsafe function.
    pub fn new(env: &Env) -> Result<Self> {
        let idle = env.create_function_from_closure::<(), (), _>("nodeEtcdNativeLoopGuard", |_| Ok(()))?;
        Ok(Self(idle.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?))
    }

    #[expect(deprecated, reason = "cloning, which the note recommends, does not reference the event loop")]
    pub fn hold(&mut self, env: &Env) -> Result<()> {
        self.0.refer(env)
    }

    #[expect(deprecated, reason = "dropping, which the note recommends, would end the function for good")]
    pub fn release(&mut self, env: &Env) -> Result<()> {
        self.0.unref(env)
    }
}
