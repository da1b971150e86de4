'use strict';

const { AbortError } = require('./errors');
const { parseHeaders } = require('./headers');

/** What every asynchronous method returns: the request's progress, and the way to give it up. */
class CancellationToken {
  #giveUp;
  #headerLines;
  #headers;

  constructor({ maxRetries, hosts, route }, giveUp) {
    this.#giveUp = giveUp;
    /** In the order in which they are tried. */
    this.servers = route === undefined ? hosts.slice() : Array.from(route, (index) => hosts[index]);
    this.maxRetries = maxRetries;
    this.retries = 0;
    this.errors = [];
    this.aborted = false;
    // Bound: programs hand these to timers.
    this.abort = () => this._abort();
    this.isAborted = () => this.aborted;
  }

  cancel() {
    this.abort();
  }

  wasAborted() {
    return this.aborted;
  }

  /** The reply's headers, once there is one. Made when first looked at. */
  get headers() {
    if (this.#headers === undefined && this.#headerLines !== undefined) this.#headers = parseHeaders(this.#headerLines);
    return this.#headers;
  }

  /** @internal */
  _abort(reason) {
    if (this.aborted) return;
    this.aborted = true;
    this.#giveUp(reason);
  }

  /** @internal */
  _receivedHeaders(lines) {
    this.#headerLines = lines;
  }
}

/**
 * The token of a request without a callback: it can be awaited. The promise is made when somebody asks, so that a
 * request nobody waits for never causes an unhandled rejection.
 */
class PendingToken extends CancellationToken {
  #outcome;
  #promise;
  #settle;

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what this class is for
  then(onFulfilled, onRejected) {
    return this.#asPromise().then(onFulfilled, onRejected);
  }

  catch(onRejected) {
    return this.#asPromise().catch(onRejected);
  }

  finally(onFinally) {
    return this.#asPromise().finally(onFinally);
  }

  get [Symbol.toStringTag]() {
    return 'Promise';
  }

  /** @internal */
  _abort(reason) {
    super._abort(reason);
    this._settle(new AbortError(reason));
  }

  /** @internal The first outcome counts. */
  _settle(err, body) {
    if (this.#outcome !== undefined) return;
    this.#outcome = { err, body };
    this.#settle?.();
  }

  #asPromise() {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#settle = () => {
        const { err, body } = this.#outcome;
        if (err) reject(err);
        else resolve(body);
      };
      if (this.#outcome !== undefined) this.#settle();
    });
    return this.#promise;
  }
}

module.exports = { CancellationToken, PendingToken };
