'use strict';

const { AbortError } = require('./errors');
const { parseHeaders } = require('./headers');

/** What every asynchronous method returns: the request's progress, and the way to give it up. */
class CancellationToken {
  #request;
  #call;
  #route;
  #headerLines;
  #headers;

  /** For `request` see `Call`. */
  constructor(request) {
    this.#request = request;
    // The hosts in the order in which they are tried.
    if (request.hosts.length === 1) this.servers = request.hosts.slice();
    else Object.defineProperty(this, 'servers', ORDERED);
    this.maxRetries = request.maxRetries;
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
  _abort() {
    if (this.aborted) return;
    this.aborted = true;
    this.#call?.aborted();
  }

  /** @internal The call to give up: a Sync one cannot be. */
  set _call(call) {
    this.#call = call;
  }

  /** @internal The order of the hosts, by their indexes, if it was chosen. */
  get _route() {
    return this.#route;
  }

  set _route(route) {
    this.#route = route;
  }

  /** @internal */
  _receivedHeaders(lines) {
    this.#headerLines = lines;
  }

  /** @internal The order is chosen by the send, unless somebody looks at it before. */
  _orderedHosts() {
    const { hosts } = this.#request;
    this.#route ??= this.#request.route();
    return this.#route.map((index) => hosts[index]);
  }
}

const VISIBLE = { enumerable: true, configurable: true };
const put = (token, value) => Object.defineProperty(token, 'servers', { value, writable: true, ...VISIBLE });

/** An own property like any other, but made when it is first looked at. The same for all tokens, so that they are alike. */
const ORDERED = {
  get() {
    return put(this, this._orderedHosts()).servers;
  },
  set(value) {
    put(this, value);
  },
  ...VISIBLE,
};

/**
 * The token of a request without a callback: it can be awaited. The promise is made when somebody asks, so that a
 * request nobody waits for never causes an unhandled rejection.
 */
class PendingToken extends CancellationToken {
  #outcome;
  #promise;
  #resolve;

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
    super._abort();
    this.settle(new AbortError(reason));
  }

  /** @internal The first outcome counts. */
  settle(err, body) {
    if (this.#outcome !== undefined) return;
    this.#outcome = { err, body };
    this.#resolve?.();
  }

  #asPromise() {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#resolve = () => {
        const { err, body } = this.#outcome;
        if (err) reject(err);
        else resolve(body);
      };
      if (this.#outcome !== undefined) this.#resolve();
    });
    return this.#promise;
  }
}

module.exports = { CancellationToken, PendingToken };
