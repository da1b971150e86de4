'use strict';

const { Environment } = require('./addon');

/** The requests and watches in flight, by id: what native events are for. */
const calls = new Map();
const native = new Environment(onEvent);
let lastId = 0;

/** `detail` depends on the kind (see `EventKind`); of a reply, `head` is its headers as lines and `text` its body. */
function onEvent(id, kind, detail, head, text) {
  // An event may have been under way when its call was aborted.
  calls.get(id)?.onEvent(kind, detail, head, text);
}

/** Registers a call and starts it by `send(id)`; its `onEvent` may be called from then on. Returns the id. */
function start(call, send) {
  do lastId = (lastId + 1) >>> 0;
  while (calls.has(lastId));
  const id = lastId;
  calls.set(id, call);
  try {
    send(id);
  } catch (error) {
    calls.delete(id);
    throw error;
  }
  return id;
}

/** Forgets a call that has ended. */
function end(id) {
  calls.delete(id);
}

/** Gives a call up: nothing more is told of it. */
function abort(id) {
  if (calls.delete(id)) native.abort(id);
}

module.exports = { abort, end, native, start };
