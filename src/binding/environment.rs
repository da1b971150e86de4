//! The native side of one JavaScript environment.

use crate::binding::buffer::Permit;
use crate::binding::event::{Arguments, Event};
use crate::binding::loop_guard::LoopGuard;
use crate::binding::panics::{Place, caught, drill};
use crate::runtime;
use crate::v2::failure::NodeError;
use futures_util::future::AbortHandle;
use napi::bindgen_prelude::*;
use napi::threadsafe_function::{ThreadsafeCallContext, ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

type ReportFunction = ThreadsafeFunction<Reported, (), Arguments, Status, false, true, 0>;

/// An event on its way to JavaScript.
pub struct Reported {
    id: u32,
    event: Event,
    /// Of a watch: to be among what waits.
    permit: Option<Permit>,
}

/// How often a thread that a Sync call blocks looks whether its environment is still there: nobody can tell it.
const GLANCE: Duration = Duration::from_millis(50);

/// Whether JavaScript can no longer run. Any look at an object says so.
fn has_ended(env: &Env) -> bool {
    env.get_global().and_then(|global| global.has_c_named_property(c"process")).is_err()
}

/// What Sync calls run on.
struct Blocking {
    /// One timer for all of them: each new one would wake the runtime.
    glances: RefCell<Interval>,
    runtime: Runtime,
}

impl Blocking {
    fn start() -> std::result::Result<Self, NodeError> {
        let runtime = runtime::blocking()?;
        let mut glances = {
            let _context = runtime.enter();
            interval_at(Instant::now() + GLANCE, GLANCE)
        };
        glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { glances: RefCell::new(glances), runtime })
    }
}

/// Reports events of requests to JavaScript, from any thread.
#[derive(Clone)]
pub struct Report(Arc<ReportFunction>);

impl Report {
    pub fn send(&self, id: u32, event: Event) {
        self.send_with(id, event, None);
    }

    /// With a permit, which is free again when the event was delivered.
    pub fn send_with(&self, id: u32, event: Event, permit: Option<Permit>) {
        // It fails only when the environment is being torn down: nobody is left to tell.
        self.0.call(Reported { id, event, permit }, ThreadsafeFunctionCallMode::NonBlocking);
    }
}

/// How an environment hears of its requests. It is there from the first one on until none has been in flight for a while:
/// tools that look for what a program left open, as jest, would name it.
struct Line {
    report: Report,
    loop_guard: LoopGuard,
}

/// A request in flight.
struct Task {
    /// What gives it up. None when it has ended already, and only its report is under way.
    handle: Option<AbortHandle>,
    /// Whether it keeps the event loop alive.
    referenced: bool,
    /// Of a paused watch: the permits of the changes that it delivered.
    withheld: Option<Vec<Permit>>,
}

/// The requests in flight, by id. The event loop stays alive exactly while there are referenced ones.
#[derive(Default)]
struct InFlight {
    tasks: HashMap<u32, Task>,
    referenced: usize,
    line: Option<Line>,
}

impl InFlight {
    fn add(&mut self, env: &Env, id: u32, handle: Option<AbortHandle>) -> Result<()> {
        self.tasks.insert(id, Task { handle, referenced: true, withheld: None });
        self.count(env, true)
    }

    fn remove(&mut self, env: &Env, id: u32) -> Result<Option<AbortHandle>> {
        let Some(task) = self.tasks.remove(&id) else { return Ok(None) };
        if task.referenced {
            self.count(env, false)?;
        }
        Ok(task.handle)
    }

    /// Takes note of an event on its way to JavaScript, and gives what JavaScript is called with.
    fn hand_over(&mut self, env: &Env, id: u32, event: Event, permit: Option<Permit>) -> Result<Arguments> {
        if event.is_end() {
            self.remove(env, id)?;
        } else if let (Event::Change(_), Some(permit)) = (&event, permit) {
            self.delivered(id, permit);
        }
        Ok(event.into_arguments(id))
    }

    fn set_referenced(&mut self, env: &Env, id: u32, referenced: bool) -> Result<()> {
        match self.tasks.get_mut(&id) {
            Some(task) if task.referenced != referenced => task.referenced = referenced,
            _ => return Ok(()),
        }
        self.count(env, referenced)
    }

    fn count(&mut self, env: &Env, one_more: bool) -> Result<()> {
        // What is in flight reports by the line, so that there is one.
        let Some(Line { loop_guard, .. }) = &mut self.line else { return Ok(()) };
        if one_more {
            self.referenced += 1;
            if self.referenced == 1 {
                loop_guard.hold(env)?;
            }
        } else {
            self.referenced -= 1;
            if self.referenced == 0 {
                loop_guard.release(env)?;
            }
        }
        Ok(())
    }

    fn set_paused(&mut self, id: u32, paused: bool) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.withheld = paused.then(|| task.withheld.take().unwrap_or_default());
        }
    }

    /// A change was delivered: the next one may have its permit, unless the watch is paused.
    fn delivered(&mut self, id: u32, permit: Permit) {
        if let Some(Task { withheld: Some(withheld), .. }) = self.tasks.get_mut(&id) {
            withheld.push(permit);
        }
    }
}

/// Nobody is left to hear of them: an environment ends with its worker thread.
impl Drop for InFlight {
    fn drop(&mut self) {
        let handles = self.tasks.values().filter_map(|task| task.handle.as_ref());
        let _ = caught(Place::Finalizer, || handles.for_each(AbortHandle::abort));
    }
}

/// What the clients of an environment share.
pub struct Shared {
    in_flight: Rc<RefCell<InFlight>>,
    on_event: FunctionRef<Arguments, ()>,
    blocking: OnceCell<Blocking>,
}

/// One for each JavaScript environment: its way to hear of requests, and the requests it has in flight.
#[napi]
pub struct Environment {
    pub(crate) shared: Rc<Shared>,
}

#[napi]
impl Environment {
    /// `onEvent(id, kind, …)` is called for every event of every request; see `EventKind`.
    #[napi(constructor, catch_unwind)]
    pub fn new(on_event: Function<Arguments, ()>) -> Result<Self> {
        drill(Place::Entry);
        let on_event = on_event.create_ref()?;
        Ok(Self { shared: Rc::new(Shared { in_flight: Rc::default(), on_event, blocking: OnceCell::new() }) })
    }

    /// Lets go of what hears of requests, if none is in flight. The next one makes it anew.
    #[napi(catch_unwind)]
    pub fn rest(&self) {
        drill(Place::Entry);
        let mut in_flight = self.shared.in_flight.borrow_mut();
        if in_flight.tasks.is_empty() {
            in_flight.line = None;
        }
    }

    /// Gives a request up: its connection closes and nothing more is reported. Unknown and ended ids are ignored.
    #[napi(catch_unwind)]
    pub fn abort(&self, env: Env, id: u32) -> Result<()> {
        drill(Place::Entry);
        if let Some(task) = self.shared.in_flight.borrow_mut().remove(&env, id)? {
            task.abort();
        }
        Ok(())
    }

    /// Whether a request keeps the event loop alive, as it does until told otherwise. Unknown ids are ignored.
    #[napi(catch_unwind)]
    pub fn set_referenced(&self, env: Env, id: u32, referenced: bool) -> Result<()> {
        drill(Place::Entry);
        self.shared.in_flight.borrow_mut().set_referenced(&env, id, referenced)
    }

    /// While a watch is paused, events that were delivered go on to count among those that wait. Unknown ids are
    /// ignored.
    #[napi(catch_unwind)]
    pub fn set_paused(&self, id: u32, paused: bool) {
        drill(Place::Entry);
        self.shared.in_flight.borrow_mut().set_paused(id, paused);
    }
}

impl Shared {
    /// The way to report events of requests, which is made if there is none.
    ///
    /// # Errors
    /// When Node cannot make it.
    pub fn report(&self, env: &Env) -> Result<Report> {
        if let Some(line) = &self.in_flight.borrow().line {
            return Ok(line.report.clone());
        }
        let line = Line { report: self.open_report(env)?, loop_guard: LoopGuard::new(env)? };
        Ok(self.in_flight.borrow_mut().line.insert(line).report.clone())
    }

    fn open_report(&self, env: &Env) -> Result<Report> {
        // The line must not hold what holds the line.
        let in_flight = Rc::downgrade(&self.in_flight);
        let function = self
            .on_event
            .borrow_back(env)?
            .build_threadsafe_function::<Reported>()
            .callee_handled::<false>()
            .weak::<true>()
            .build_callback(move |context: ThreadsafeCallContext<Reported>| {
                let Reported { id, event, permit } = context.value;
                let Some(in_flight) = in_flight.upgrade() else { return Ok(event.into_arguments(id)) };
                let handed_over = caught(Place::Event, || {
                    in_flight.borrow_mut().hand_over(&context.env, id, event, permit)
                });
                handed_over.unwrap_or_else(|| {
                    if let Some(task) = in_flight.borrow_mut().remove(&context.env, id)? {
                        task.abort();
                    }
                    Ok(Event::defect().into_arguments(id))
                })
            })?;
        Ok(Report(Arc::new(function)))
    }

    /// Runs the request that is made in the background; it reports for itself. What the system refuses is the report.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        env: &Env,
        id: u32,
        request: impl FnOnce() -> F + Send + 'static,
    ) -> Result<()> {
        match runtime::background() {
            Ok(background) => {
                let handle = background.spawn(request);
                self.in_flight.borrow_mut().add(env, id, Some(handle))
            }
            Err(refused) => self.report_soon(env, id, Event::Unstarted(refused)),
        }
    }

    /// Runs a request on this thread and returns when it has ended. Nothing if the environment ends first, which only
    /// happens to a worker thread: it is terminated, or the process exits.
    ///
    /// # Errors
    /// When the system refuses what it takes to run; the next call tries again.
    pub fn block_on<F: Future>(
        &self,
        env: &Env,
        request: F,
    ) -> std::result::Result<Option<F::Output>, NodeError> {
        let mut request = pin!(request);
        let Blocking { runtime, glances } = self.blocking()?;
        let mut glances = glances.borrow_mut();
        Ok(runtime.block_on(async {
            runtime::catch_up().await;
            loop {
                tokio::select! {
                    biased;
                    output = &mut request => return Some(output),
                    _ = glances.tick() => if has_ended(env) { return None },
                }
            }
        }))
    }

    /// Sees to the connections of Sync calls, which nobody does between two of them.
    pub fn see_to_connections(&self) {
        // Without a runtime there are none.
        if let Some(Blocking { runtime, .. }) = self.blocking.get() {
            // Once to hear of something, and once to act on it.
            for _ in 0..2 {
                runtime.block_on(runtime::catch_up());
            }
        }
    }

    fn blocking(&self) -> std::result::Result<&Blocking, NodeError> {
        if let Some(blocking) = self.blocking.get() {
            return Ok(blocking);
        }
        let started = Blocking::start()?;
        Ok(self.blocking.get_or_init(|| started))
    }

    /// Reports the end of a request in a turn of its own, as if it came from another thread.
    pub fn report_soon(&self, env: &Env, id: u32, end: Event) -> Result<()> {
        let report = self.report(env)?;
        self.in_flight.borrow_mut().add(env, id, None)?;
        report.send(id, end);
        Ok(())
    }

    /// Reports an event now, within the call that JavaScript made.
    pub fn report_now(&self, env: &Env, id: u32, event: Event) -> Result<()> {
        self.on_event.borrow_back(env)?.call(event.into_arguments(id))
    }
}
