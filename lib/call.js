'use strict';

const { AsyncResource } = require('node:async_hooks');
const { EventKind } = require('./addon');
const { observe } = require('./diagnostics');
const dispatch = require('./dispatch');
const errors = require('./errors');
const { parseHeaders } = require('./headers');
const { errorEntry, isEtcdError, isEtcdReply, parseBody } = require('./reply');
const { onAbort } = require('./signals');
const { CancellationToken, PendingToken } = require('./token');

// Taken now: tools for tests, as sinon and jest, replace it later by one that waits for them.
const { nextTick } = process;

/**
 * One request on its way: turns native events into a token's progress, and its end into an outcome.
 *
 * A request has `verb`, `target`, `isKey`, `parameters`, `waits`, `maxRetries`, the `hosts` of its client, and three
 * methods: `route()` for an order of the hosts, `send(id, route)`, which blocks if the request is a Sync one, and
 * `serverVersion(tell)`, which does so, too.
 */
class Call {
  #id;
  #request;
  #forgetSignal;
  #observer;
  #outcome;
  #inFlight;
  #isGivenUp = false;

  /** `outcome.settle(err, body, headerLines)` is called at most once. */
  constructor(request, token, outcome) {
    this.#request = request;
    this.token = token;
    this.#outcome = outcome;
  }

  /** Hands the request to the native client. */
  start() {
    const { token } = this;
    this.#observer = observe(this.#request, token);
    // A subscriber may have aborted it.
    if (!token.aborted) dispatch.start(this);
  }

  /** The same once the caller's own turn is over: what is aborted right away is never sent. */
  startSoon(signal, inFlight) {
    this.#inFlight = inFlight;
    inFlight.add(this);
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, () => this.token._abort(signal.reason));
    nextTick(Call.#startNow, this);
  }

  static #startNow(call) {
    if (call.token.aborted) return;
    try {
      call.start();
    } catch (error) {
      call.#finished(error);
    }
  }

  /** By `dispatch.start`. */
  send(id) {
    // Events of a Sync call come before this returns.
    this.#id = id;
    const { token } = this;
    const chosen = this.#request.send(id, token._route);
    if (chosen !== null) token._route = chosen;
  }

  /** Gives the request up, as its token does. */
  abort() {
    this.token._abort();
  }

  /** The token was aborted. */
  aborted() {
    this.#isGivenUp = true;
    dispatch.abort(this.#id);
    this.#ended();
  }

  /** Whether it may wait for ever, as a watch does. */
  isEndless() {
    return this.#request.waits;
  }

  onEvent(kind, detail, head, text) {
    switch (kind) {
      case EventKind.Reply:
        return this.#replied(detail, head, text);
      case EventKind.Failed:
        return this.#attemptFailed(detail);
      case EventKind.Retrying:
        this.token.retries = detail;
        return this.#observer?.retrying(detail);
      case EventKind.Exhausted:
        return this.#finished(errors.exhaustedError(this.token));
      case EventKind.Unknown:
        return this.#finished(errors.unknownOutcomeError(this.token));
      case EventKind.Unstarted:
        return this.#finished(errors.networkError(detail));
      default:
        return this.#finished(errors.unsendableError(head, text));
    }
  }

  #replied(status, headerLines, text) {
    const body = parseBody(text);
    this.token._receivedHeaders(headerLines);
    this.#observer?.replied(status);
    if (isEtcdError(body)) {
      return this.#finished(errors.etcdError(body), '', headerLines);
    }
    if (this.#request.isKey && !isEtcdReply(this.#request, status, body)) {
      return this.#notEtcd(status, body, headerLines);
    }
    return this.#finished(null, body, headerLines);
  }

  /** When etcd has no v2 API, its version says what can be done. */
  #notEtcd(status, body, headerLines) {
    const tell = (version) => {
      if (!this.token.aborted) this.#finished(errors.notEtcdError(status, body, version), '', headerLines);
    };
    if (errors.isWithoutV2(status, body)) this.#request.serverVersion(tell);
    else tell();
  }

  #attemptFailed(failure) {
    const entry = errorEntry(this.#request.hosts, failure);
    this.token.errors.push(entry);
    this.#observer?.attemptFailed(entry);
  }

  #finished(err, body, headerLines) {
    dispatch.end(this.#id);
    this.#ended();
    if (err) this.#observer?.failed(err);
    // By a subscriber that was told just now, too.
    if (!this.#isGivenUp) this.#outcome.settle(err, body, headerLines);
  }

  #ended() {
    this.#inFlight?.delete(this);
    this.#forgetSignal?.();
  }
}

/** A call whose outcome goes to a callback or, without one, to whoever awaits the token. */
function startCall(request, signal, callback, inFlight) {
  const token = callback ? new CancellationToken(request) : new PendingToken(request);
  const call = new Call(request, token, callback ? new Caller(callback) : token);
  token._call = call;
  if (signal?.aborted) token._abort(signal.reason);
  else call.startSoon(signal, inFlight);
  return token;
}

/** Calls back in the async context of the call, as an event of its own, so that what it throws is nobody else's. */
class Caller extends AsyncResource {
  #callback;

  constructor(callback) {
    super('ETCDREQUEST');
    this.#callback = callback;
  }

  settle(err, body, headerLines) {
    if (headerLines === undefined) this.runInAsyncScope(this.#callback, undefined, err);
    else this.runInAsyncScope(this.#callback, undefined, err, body, parseHeaders(headerLines));
  }
}

/** What a Sync call returns. */
class Outcome {
  settle(err, body, headerLines) {
    this.value = { err, body, headers: headerLines === undefined ? undefined : parseHeaders(headerLines) };
  }
}

/** A call that has ended when this returns. */
function blockOnCall(request, signal) {
  const abortedBy = (reason) => ({ err: new errors.AbortError(reason), body: undefined, headers: undefined });
  if (signal?.aborted) return abortedBy(signal.reason);
  const outcome = new Outcome();
  new Call(request, new CancellationToken(request), outcome).start();
  return outcome.value ?? abortedBy(undefined);
}

module.exports = { blockOnCall, startCall };
