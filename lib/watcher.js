'use strict';

const { EventEmitter } = require('node:events');
const { checkKey, checkOptions, checkSignal } = require('./arguments');

/** Waits before the n-th attempt in a row to reconnect: 300 ms doubled each time, up to 30 s, and up to 1 s more. */
const FIRST_WAIT_MS = 300;
const MAX_WAIT_MS = 30000;
const JITTER_MS = 1000;

/** Follows a key: a long poll for each event (semantics.md 2.11). */
class Watcher extends EventEmitter {
  #timer;
  #signal;

  constructor(etcd, key, index, options) {
    super();
    checkOptions(options);
    this.etcd = etcd;
    this.key = checkKey('key', key);
    this.index = index ?? null;
    this.options = options ?? {};
    this.stopped = false;
    this.retryAttempts = 0;
    // Bound: programs hand it to timers and signal handlers.
    this.stop = this.stop.bind(this);
    this.#obey(this.options.signal);
    this.#poll();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.stop);
    this.request?.abort();
    return this.emit('stop', `Watcher for '${this.key}' aborted.`);
  }

  #obey(signal) {
    if (signal === undefined || signal === null) return;
    this.#signal = checkSignal(signal);
    if (signal.aborted) this.stop();
    else signal.addEventListener('abort', this.stop, { once: true });
  }

  #poll() {
    if (this.stopped) return;
    const done = (err, body, headers) => this.#replied(err, body, headers);
    this.request =
      this.index === null
        ? this.etcd.watch(this.key, this.options, done)
        : this.etcd.watchIndex(this.key, this.index, this.options, done);
  }

  #replied(err, body, headers) {
    if (this.stopped) return;
    if (err?.errorCode === 401 && err.error.index !== undefined) this.#resync(err);
    else if (err?.code === 'ERR_NOT_ETCD') this.#unexpected(err.httpbody);
    else if (err) this.#disconnected(err);
    else if (body === undefined && headers['x-etcd-index'] !== undefined) this.#empty(headers);
    else if (body?.node?.modifiedIndex !== undefined) this.#changed(body, headers);
    else this.#unexpected(body);
  }

  #changed(body, headers) {
    this.retryAttempts = 0;
    this.index = body.node.modifiedIndex + 1;
    // A listener that throws ends neither the other listeners' event nor the watch.
    try {
      this.emit('change', body, headers);
    } finally {
      try {
        if (body.action !== undefined && !this.stopped) this.emit(body.action, body, headers);
      } finally {
        this.#poll();
      }
    }
  }

  /** The server no longer has what was missed: go on from where it is. */
  #resync(err) {
    this.retryAttempts = 0;
    this.index = err.error.index;
    this.#emitThen('resync', err, () => this.#poll());
  }

  /** A server or proxy ended the poll without an event. */
  #empty(headers) {
    this.retryAttempts = 0;
    const error = Object.assign(new Error('Etcd timed out watcher, reconnecting.'), { headers });
    this.#emitThen('reconnect', error, () => this.#poll());
  }

  #disconnected(cause) {
    const fields = { error: cause, reconnectCount: this.retryAttempts };
    const error = Object.assign(new Error('Connection error, reconnecting.'), fields);
    this.#emitThen('reconnect', error, () => this.#pollLater());
  }

  #unexpected(response) {
    const error = Object.assign(new Error('Received unexpected response'), { response });
    if (this.listenerCount('error') > 0) return this.#emitThen('error', error, () => this.#pollLater());
    process.emitWarning(`Watcher for '${this.key}': ${error.message}; it goes on`);
    return this.#pollLater();
  }

  #emitThen(name, argument, next) {
    try {
      this.emit(name, argument);
    } finally {
      next();
    }
  }

  #pollLater() {
    if (this.stopped) return;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.retryAttempts, MAX_WAIT_MS) + Math.random() * JITTER_MS;
    this.retryAttempts += 1;
    this.#timer = setTimeout(() => this.#poll(), wait);
  }
}

module.exports = { Watcher };
