'use strict';

const { AsyncResource } = require('node:async_hooks');
const { EventKind } = require('./addon');
const dispatch = require('./dispatch');
const errors = require('./errors');
const { parseHeaders } = require('./headers');
const { errorEntry, isEtcdError, parseBody } = require('./reply');

/** One watch on its way: turns native events into calls of `handlers`, in the async context of its start. */
class WatchCall {
  #hosts;
  #handlers;
  #inFlight;
  #resource = new AsyncResource('ETCDWATCH');
  /** Of the members that failed since the last one that did not. */
  #failures = [];
  #id;

  constructor(hosts, handlers, inFlight) {
    this.#hosts = hosts;
    this.#handlers = handlers;
    this.#inFlight = inFlight;
  }

  start(watch) {
    dispatch.start(this, watch);
    this.#inFlight.add(this);
  }

  send(id, watch) {
    this.#id = id;
    watch(id);
  }

  /** Ends the watch without a word. */
  stop() {
    dispatch.abort(this.#id);
    this.#inFlight.delete(this);
  }

  /** The client gives the watch up: whoever watches is told, and stops it. */
  abort() {
    this.#tell('closed');
  }

  isEndless() {
    return true;
  }

  /** Whether it keeps the process alive. */
  setReferenced(referenced) {
    dispatch.native.setReferenced(this.#id, referenced);
  }

  /** Whether changes that were told go on to count among those that wait. */
  setPaused(paused) {
    dispatch.native.setPaused(this.#id, paused);
  }

  onEvent(kind, detail, head, text) {
    switch (kind) {
      case EventKind.Change:
        return this.#tell('changed', parseBody(text), parseHeaders(head));
      case EventKind.Registered:
        return this.#tell('registered', detail);
      case EventKind.Resync:
        return this.#tell('outdated', errors.etcdError(parseBody(text)));
      case EventKind.TooLarge:
        return this.#tell('skipped', detail, errors.tooLargeError(head, text));
      case EventKind.Ended:
        return this.#tell('ended', parseHeaders(head));
      case EventKind.Failed:
        return void this.#failures.push(errorEntry(this.#hosts, detail));
      case EventKind.Disconnected:
        return this.#tell('disconnected', this.#exhausted());
      case EventKind.Refused:
        return this.#tell('disconnected', errors.etcdError(parseBody(text)));
      case EventKind.Unexpected:
        return this.#tell('unexpected', unexpected(parseBody(text)));
      case EventKind.Unstarted:
        return this.#ended(errors.networkError(detail));
      default:
        return this.#ended(errors.unsendableError(head, text));
    }
  }

  #ended(error) {
    dispatch.end(this.#id);
    this.#inFlight.delete(this);
    this.#tell('unsendable', error);
  }

  #exhausted() {
    const failed = this.#failures;
    this.#failures = [];
    return errors.exhaustedError({ errors: failed, retries: 0 });
  }

  #tell(name, ...values) {
    this.#resource.runInAsyncScope(this.#handlers[name], undefined, ...values);
  }
}

/** What is told of an answer that is no event: etcd's own refusal, or nothing that etcd says. */
function unexpected(response) {
  return isEtcdError(response) ? { response } : { code: 'ERR_NOT_ETCD', response };
}

/** Starts a watch by `watch(id)`. */
function startWatch(hosts, handlers, inFlight, watch) {
  const call = new WatchCall(hosts, handlers, inFlight);
  call.start(watch);
  return call;
}

module.exports = { startWatch };
