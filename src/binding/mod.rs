//! The boundary to JavaScript: conversion only.
//!
//! An [`environment::Environment`] exists once per JavaScript environment (main thread or worker) and owns the one
//! threadsafe function by which every request reports; a [`client::NativeClient`] is the native half of an `Etcd` object.
//! What crosses for a request is scalars and strings: building objects through Node-API costs more than it gives.

mod buffer;
mod client;
pub mod environment;
pub mod event;
pub mod loop_guard;
pub mod memory;
pub mod options;
pub mod panics;
pub mod reporter;
