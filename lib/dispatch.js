'use strict';

// Taken now, and from here: tools for tests replace the global one.
const { setTimeout } = require('node:timers');
const { Environment } = require('./addon');

/** The requests and watches in flight, by id: what native events are for. */
const calls = new Map();
const native = new Environment(onEvent);
let lastId = 0;
/** How long nothing is in flight before the native side rests, in milliseconds: one request often follows another. */
const LINGER = 50;
let lingering;

/** `detail` depends on the kind (see `EventKind`); of a reply, `head` is its headers as lines and `text` its body. */
function onEvent(id, kind, detail, head, text) {
  // An event may have been under way when its call was aborted.
  calls.get(id)?.onEvent(kind, detail, head, text);
}

/** Registers a call and starts it by its `send(id, what)`; its `onEvent` may be called from then on. */
function start(call, what) {
  do lastId = (lastId + 1) >>> 0;
  while (calls.has(lastId));
  const id = lastId;
  calls.set(id, call);
  try {
    call.send(id, what);
  } catch (error) {
    calls.delete(id);
    throw error;
  }
}

/** Forgets a call that has ended. */
function end(id) {
  calls.delete(id);
  if (calls.size === 0 && lingering === undefined) lingering = setTimeout(rest, LINGER).unref();
}

/** Gives a call up: nothing more is told of it. */
function abort(id) {
  if (!calls.has(id)) return;
  native.abort(id);
  end(id);
}

/** An idle client is not to be seen among what a program left open. */
function rest() {
  lingering = undefined;
  if (calls.size === 0) native.rest();
}

module.exports = { abort, end, native, start };
