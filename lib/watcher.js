'use strict';

const { EventEmitter } = require('node:events');
const { checkAtLeastOne, checkKey, checkOptions, checkSignal, extended } = require('./arguments');
const { invalidType, invalidValue } = require('./errors');

/** Events that may wait for listeners before reading stops. */
const DEFAULT_BUFFER = 100000;

/**
 * Follows a key or a tree. The native side reads and hands over what happens, event by event, so that what listeners
 * throw is theirs and microtasks run between two events; see docs/watcher.md.
 */
class Watcher extends EventEmitter {
  #native;
  #signal;

  constructor(etcd, key, index, options) {
    super();
    checkOptions(options);
    this.etcd = etcd;
    this.key = checkKey('key', key);
    const { signal, buffer, query, since } = readOptions(options);
    this.index = checkIndex(index ?? since);
    this.options = options ?? {};
    this.stopped = false;
    this.retryAttempts = 0;
    // Bound: programs hand it to timers and signal handlers.
    this.stop = this.stop.bind(this);
    if (this.#obey(signal)) this.#native = etcd.client.watch(this.key, this.index, query, buffer, this.#handlers());
  }

  stop() {
    this.stopped = true;
    this.#signal?.removeEventListener('abort', this.stop);
    this.#native?.abort();
    return this.emit('stop', `Watcher for '${this.key}' aborted.`);
  }

  /** Whether the signal, if there is one, lets the watch begin. */
  #obey(signal) {
    if (signal === undefined || signal === null) return true;
    this.#signal = checkSignal(signal);
    if (signal.aborted) this.stop();
    else signal.addEventListener('abort', this.stop, { once: true });
    return !signal.aborted;
  }

  #handlers() {
    return {
      registered: (index) => {
        this.retryAttempts = 0;
        this.index ??= index;
      },
      changed: (body, headers) => this.#changed(body, headers),
      outdated: (err) => {
        this.retryAttempts = 0;
        this.index = err.error.index;
        this.emit('resync', err);
      },
      ended: (headers) => {
        this.emit('reconnect', Object.assign(new Error('Etcd timed out watcher, reconnecting.'), { headers }));
      },
      disconnected: (cause) => this.#disconnected(cause),
      unexpected: (response) => this.#unexpected('Received unexpected response', { response }),
      refused: (error) => this.#unexpected(error.message, { code: error.code }),
    };
  }

  #changed(body, headers) {
    this.retryAttempts = 0;
    this.index = body.node.modifiedIndex + 1;
    // A listener of `change` that throws does not cost the listeners of the action their event.
    try {
      this.emit('change', body, headers);
    } finally {
      if (body.action !== undefined && !this.stopped) this.emit(body.action, body, headers);
    }
  }

  #disconnected(cause) {
    const reconnectCount = this.retryAttempts;
    this.retryAttempts += 1;
    const error = Object.assign(new Error('Connection error, reconnecting.'), { error: cause, reconnectCount });
    this.emit('reconnect', error);
  }

  #unexpected(message, fields) {
    this.retryAttempts += 1;
    if (this.listenerCount('error') > 0) this.emit('error', Object.assign(new Error(message), fields));
    else process.emitWarning(`Watcher for '${this.key}': ${message}`);
  }
}

/** What is ours of the options, and what becomes the query; `wait` goes without saying. */
function readOptions(options) {
  const { signal, buffer, waitIndex, wait, ...query } = extended(options, {});
  for (const name of ['quorum', 'stream']) {
    // etcd answers a quorum read at once; streaming is decided here.
    if (query[name]) throw invalidValue(`The option "${name}" is not supported by a watcher`);
  }
  return { signal, buffer: checkAtLeastOne('options.buffer', buffer ?? DEFAULT_BUFFER), query, since: waitIndex };
}

/** Null, for from now on, or a whole number; a string of digits was as good. */
function checkIndex(index) {
  if (index === undefined || index === null) return null;
  const number = Number(index);
  if (!['number', 'string'].includes(typeof index) || !Number.isSafeInteger(number) || number < 0) {
    throw invalidType('index', 'null or a whole number', index);
  }
  return index;
}

module.exports = { Watcher };
