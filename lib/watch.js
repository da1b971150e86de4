'use strict';

const { AsyncResource } = require('node:async_hooks');
const { EventKind } = require('./native');
const environment = require('./environment');
const errors = require('./errors');
const { parseHeaders } = require('./headers');
const { errorEntry, isEtcdError, parseBody } = require('./replies');

/** One watch on its way: turns native events into calls of `handlers`, in the async context of its start. */
class Watch {
  #hosts;
  #handlers;
  #ongoing;
  #resource = new AsyncResource('ETCDWATCH');
  /** Of the endpoints that failed since the last one that did not. */
  #failures = [];
  #id;

  constructor(hosts, handlers, ongoing) {
    this.#hosts = hosts;
    this.#handlers = handlers;
    this.#ongoing = ongoing;
  }

  start(send) {
    this.#id = environment.start(this, send);
    this.#ongoing.add(this);
  }

  abort() {
    environment.abort(this.#id);
    this.#ongoing.delete(this);
  }

  isEndless() {
    return true;
  }

  giveUp() {
    this.#tell('closed');
  }

  /** Whether it keeps the process alive. */
  setReferenced(referenced) {
    environment.native.setReferenced(this.#id, referenced);
  }

  /** Whether changes that were told go on to count among those that wait. */
  setPaused(paused) {
    environment.native.setPaused(this.#id, paused);
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
        environment.end(this.#id);
        this.#ongoing.delete(this);
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
function startWatch(hosts, handlers, ongoing, send) {
  const watch = new Watch(hosts, handlers, ongoing);
  watch.start(send);
  return watch;
}

module.exports = { startWatch };
