'use strict';

const { AsyncResource } = require('node:async_hooks');
const { EventKind } = require('./addon');
const dispatch = require('./dispatch');
const errors = require('./errors');
const { parseHeaders } = require('./headers');
const { errorEntry, isEtcdError, parseBody } = require('./reply');

/** One watch on its way: turns native events into calls of `handlers`, in the async context of its start. */
class Watch {
  #hosts;
  #handlers;
  #inFlight;
  #resource = new AsyncResource('ETCDWATCH');
  /** Of the endpoints that failed since the last one that did not. */
  #failures = [];
  #id;

  constructor(hosts, handlers, inFlight) {
    this.#hosts = hosts;
    this.#handlers = handlers;
    this.#inFlight = inFlight;
  }

  start(send) {
    this.#id = dispatch.start(this, send);
    this.#inFlight.add(this);
  }

  abort() {
    dispatch.abort(this.#id);
    this.#inFlight.delete(this);
  }

  isEndless() {
    return true;
  }

  giveUp() {
    this.#tell('closed');
  }

  /** Whether it keeps the process alive. */
  setReferenced(referenced) {
    dispatch.native.setReferenced(this.#id, referenced);
  }

  /** Whether changes that were told go on to count among those that wait. */
  setPaused(paused) {
    dispatch.native.setPaused(this.#id, paused);
  }

  onEvent(kind, status, headerLines, text) {
    switch (kind) {
      case EventKind.Change:
        return this.#tell('changed', parseBody(text), parseHeaders(headerLines));
      case EventKind.Registered:
        return this.#tell('registered', Number(headerLines));
      case EventKind.Resync:
        return this.#tell('outdated', errors.etcdError(parseBody(text)));
      case EventKind.Nothing:
        return this.#tell('ended', parseHeaders(headerLines));
      case EventKind.Failed:
        return void this.#failures.push(errorEntry(this.#hosts, status));
      case EventKind.Disconnected:
        return this.#tell('disconnected', this.#exhausted());
      case EventKind.Unexpected:
        return this.#unexpected(parseBody(text));
      default:
        dispatch.end(this.#id);
        this.#inFlight.delete(this);
        return this.#tell('refused', errors.refusedError(headerLines, text));
    }
  }

  #exhausted() {
    const failed = this.#failures;
    this.#failures = [];
    return errors.exhaustedError({ errors: failed, retries: 0 });
  }

  /** etcd refuses: a lasting reason to try again later. Anything else is not etcd's. */
  #unexpected(body) {
    if (isEtcdError(body) && body.errorCode !== 110) return this.#tell('disconnected', errors.etcdError(body));
    return this.#tell('unexpected', body);
  }

  #tell(name, ...values) {
    this.#resource.runInAsyncScope(this.#handlers[name], undefined, ...values);
  }
}

/** Starts a watch by `send(id)`. */
function startWatch(hosts, handlers, inFlight, send) {
  const watch = new Watch(hosts, handlers, inFlight);
  watch.start(send);
  return watch;
}

module.exports = { startWatch };
