'use strict';

const { EventEmitter } = require('node:events');
const { checkAtLeastOne, checkKey, checkNumber, checkOptions, checkSignal, extended } = require('./arguments');
const { invalidType, invalidValue } = require('./errors');
const { onAbort } = require('./signals');
const { apart } = require('./uncaught');

/** Events that may wait for listeners before reading stops. */
const DEFAULT_BUFFER = 100000;
/** How many bytes they may have altogether. */
const DEFAULT_BUFFER_BYTES = 64 * 1024 * 1024;
/** Milliseconds within which a connection that died without a word is noticed. */
const DEFAULT_LIVENESS = 60000;
const MIN_LIVENESS = 100;
const MAX_LIVENESS = 2 ** 31 - 1;

/** What etcd does to keys. No other name that a server gives is emitted, as that of an event of our own. */
const ACTIONS = new Set(['set', 'create', 'update', 'delete', 'expire', 'compareAndSwap', 'compareAndDelete']);

/**
 * Follows a key or a tree. The native side reads and hands over what happens, event by event, so that what listeners
 * throw is theirs and microtasks run between two events; see docs/watcher.md.
 */
class Watcher extends EventEmitter {
  #watch;
  #forgetSignal;
  /** The `for await` loops under way, and how many of them have changes waiting. */
  #loops = new Set();
  #holding = 0;
  /** Why nothing is watched, if so. */
  #refusal;

  constructor(etcd, key, index, options) {
    super();
    checkOptions(options);
    this.etcd = etcd;
    this.key = checkKey('key', key);
    const { signal, since, query, limits } = readOptions(options);
    this.index = checkIndex(index ?? since);
    this.options = options ?? {};
    this.stopped = false;
    this.retryAttempts = 0;
    // Bound: programs hand it to timers and signal handlers.
    this.stop = this.stop.bind(this);
    if (signal?.aborted) this.stop();
    else this.#start(query, limits, signal);
  }

  stop() {
    this.stopped = true;
    this.#forgetSignal?.();
    this.#watch?.stop();
    for (const changes of this.#loops) changes.clear();
    return this.emit('stop', `Watcher for '${this.key}' aborted.`);
  }

  async close() {
    this.#stopApart();
  }

  ref() {
    this.#watch?.setReferenced(true);
    return this;
  }

  unref() {
    this.#watch?.setReferenced(false);
    return this;
  }

  /** Leaving the loop stops the watcher. Lost events end it with an error: a loop has no other way to hear of them. */
  [Symbol.asyncIterator]() {
    const { ChangeIterator } = require('./change-iterator'); // loaded for loops alone
    const leave = () => {
      this.#loops.delete(changes);
      this.#stopApart();
    };
    const changes = new ChangeIterator((isHolding) => this.#hold(isHolding), leave);
    if (this.stopped || this.#refusal) changes.end(this.#refusal);
    else this.#loops.add(changes);
    return changes;
  }

  #start(query, limits, signal) {
    this.#watch = this.etcd.client.watch(this.key, this.index, query, limits, this.#handlers());
    if (signal) this.#forgetSignal = onAbort(signal, this.stop);
  }

  /** For those who are no listener of `stop`, and have nothing to do with what one throws. */
  #stopApart() {
    if (!this.stopped) apart(this.stop);
  }

  #hold(isHolding) {
    this.#holding += isHolding ? 1 : -1;
    this.#watch?.setPaused(this.#holding > 0);
  }

  #endLoops(error) {
    for (const changes of this.#loops) changes.end(error);
    this.#loops.clear();
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
        this.#endLoops(err);
        this.emit('resync', err);
      },
      skipped: (index, err) => {
        this.retryAttempts = 0;
        this.index = index + 1;
        this.#endLoops(err);
        this.#raise(err);
      },
      ended: (headers) => {
        this.emit('reconnect', Object.assign(new Error('Etcd timed out watcher, reconnecting.'), { headers }));
      },
      disconnected: (cause) => this.#disconnected(cause),
      closed: () => this.stop(),
      unexpected: (fields) => this.#unexpected('Received unexpected response', fields),
      unsendable: (error) => {
        this.#refusal = error;
        this.#forgetSignal?.();
        this.#endLoops(error);
        this.#unexpected(error.message, { ...error });
      },
    };
  }

  #changed(body, headers) {
    this.retryAttempts = 0;
    this.index = body.node.modifiedIndex + 1;
    for (const changes of this.#loops) changes.add(body);
    // A listener of `change` that throws does not cost the listeners of the action their event.
    try {
      this.emit('change', body, headers);
    } finally {
      if (ACTIONS.has(body.action) && !this.stopped) this.emit(body.action, body, headers);
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
    this.#raise(Object.assign(new Error(message), fields));
  }

  /** An error that nobody listens for is no reason to end the process. */
  #raise(err) {
    if (this.listenerCount('error') > 0) this.emit('error', err);
    else process.emitWarning(`Watcher for '${this.key}': ${err.message}`);
  }
}

/** What is ours of the options, and what becomes the query; `wait` goes without saying. */
function readOptions(options) {
  const { signal = null, buffer, bufferBytes, liveness, waitIndex, wait, ...query } = extended(options, {});
  for (const name of ['quorum', 'stream']) {
    // etcd answers a quorum read at once; streaming is decided here.
    if (query[name]) throw invalidValue(`The option "${name}" is not supported by a watcher`);
  }
  const limits = {
    buffer: checkAtLeastOne('options.buffer', buffer ?? DEFAULT_BUFFER),
    bufferBytes: checkAtLeastOne('options.bufferBytes', bufferBytes ?? DEFAULT_BUFFER_BYTES),
    liveness: checkLiveness(liveness ?? DEFAULT_LIVENESS),
  };
  return { signal: signal === null ? undefined : checkSignal(signal), since: waitIndex, query, limits };
}

function checkLiveness(liveness) {
  if (checkNumber('options.liveness', liveness) < MIN_LIVENESS || liveness > MAX_LIVENESS) {
    throw invalidValue(
      `The "options.liveness" argument must be from ${MIN_LIVENESS} to ${MAX_LIVENESS} (milliseconds)`,
    );
  }
  return liveness;
}

/** Null, for from now on, which 0 means to etcd, or a whole number; a string of digits was as good. */
function checkIndex(index) {
  if (index === undefined || index === null) return null;
  const number = Number(index);
  if (!['number', 'string'].includes(typeof index) || !Number.isSafeInteger(number) || number < 0) {
    throw invalidType('index', 'null or a whole number', index);
  }
  return number === 0 ? null : index;
}

// Node 18 has this symbol from 18.18 on.
if (Symbol.asyncDispose) Watcher.prototype[Symbol.asyncDispose] = Watcher.prototype.close;

module.exports = { Watcher };
