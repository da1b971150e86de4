'use strict';

const { AsyncResource } = require('node:async_hooks');
const binding = require('../binding');
const { observe } = require('./diagnostics');
const errors = require('./errors');
const { parseHeaders } = require('./headers');
const { CancellationToken, PendingToken } = require('./token');

const { EventKind } = binding;

/** The calls in flight, by id: what native events are for. */
const calls = new Map();
const environment = new binding.Environment(onEvent);
let lastId = 0;

function onEvent(id, kind, detail, headerLines, text) {
  // An event may have been under way when its call was aborted.
  calls.get(id)?.onEvent(kind, detail, headerLines, text);
}

function nextId() {
  do lastId = (lastId + 1) >>> 0;
  while (calls.has(lastId));
  return lastId;
}

/** One request on its way: turns native events into a token's progress, and its end into an outcome. */
class Call {
  #id = nextId();
  #request;
  #signal;
  #onSignal;
  #observer;
  #finish;

  /** `finish(err, body, headerLines)` is called at most once. */
  constructor(request, token, finish) {
    this.#request = request;
    this.token = token;
    this.#finish = finish;
  }

  /** Hands the request to the native client by `send(id)`. */
  start(send, signal) {
    calls.set(this.#id, this);
    this.#listenTo(signal);
    this.#observer = observe(this.#request, this.token);
    try {
      send(this.#id);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  abort() {
    if (!calls.has(this.#id)) return;
    environment.abort(this.#id);
    this.#end();
  }

  onEvent(kind, detail, headerLines, text) {
    switch (kind) {
      case EventKind.Reply:
        return this.#replied(detail, headerLines, text);
      case EventKind.Failed:
        return this.#attemptFailed(detail);
      case EventKind.Retrying:
        this.token.retries = detail;
        return this.#observer?.retrying(detail);
      case EventKind.Exhausted:
        return this.#finished(errors.exhaustedError(this.token));
      case EventKind.Unknown:
        return this.#finished(errors.unknownOutcomeError(this.token));
      default:
        return this.#finished(errors.refusedError(headerLines, text));
    }
  }

  #replied(status, headerLines, text) {
    const body = parseBody(text);
    this.token._receivedHeaders(headerLines);
    this.#observer?.replied(status);
    if (body?.errorCode !== undefined && body?.errorCode !== null) {
      return this.#finished(errors.etcdError(body), '', headerLines);
    }
    if (this.#request.isKey && !isEtcdReply(status, body)) {
      return this.#finished(errors.notEtcdError(status, body), '', headerLines);
    }
    return this.#finished(null, body, headerLines);
  }

  #attemptFailed(failure) {
    const entry = errorEntry(this.#request.hosts, failure);
    this.token.errors.push(entry);
    this.#observer?.attemptFailed(entry);
  }

  #finished(err, body, headerLines) {
    this.#end();
    if (err) this.#observer?.failed(err);
    this.#finish(err, body, headerLines);
  }

  #end() {
    calls.delete(this.#id);
    this.#signal?.removeEventListener('abort', this.#onSignal);
  }

  #listenTo(signal) {
    if (signal === undefined) return;
    this.#signal = signal;
    this.#onSignal = () => this.token._abort(signal.reason);
    signal.addEventListener('abort', this.#onSignal, { once: true });
  }
}

/** An entry of `err.errors` (semantics.md 2.4). */
function errorEntry(hosts, failure) {
  const { endpoint, timestamp, status, headers, body: text } = failure;
  const body = text === undefined ? undefined : parseBody(text);
  return {
    server: hosts[endpoint],
    httperror: status === undefined ? errors.networkError(failure) : null,
    httpstatus: status,
    httpbody: body,
    response: status === undefined ? undefined : { statusCode: status, headers: parseHeaders(headers), body },
    timestamp: new Date(timestamp),
  };
}

/** As `request` did with `json: true`: nothing for an empty body, the text itself when it is not JSON. */
function parseBody(text) {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An empty success counts, as some proxies and old servers answer so. */
function isEtcdReply(status, body) {
  const isSuccess = status >= 200 && status < 300;
  return isSuccess && (body === undefined || (typeof body === 'object' && body !== null && !Array.isArray(body)));
}

/** A call whose outcome goes to a callback or, without one, to whoever awaits the token. */
function startCall(request, signal, callback, send) {
  const abort = () => call.abort();
  const token = callback ? new CancellationToken(request, abort) : new PendingToken(request, abort);
  const call = new Call(request, token, callback ? caller(callback) : (err, body) => token._settle(err, body));
  if (signal?.aborted) token._abort(signal.reason);
  else call.start(send, signal);
  return token;
}

/** Calls back in the async context of the call, as an event of its own, so that what it throws is nobody else's. */
function caller(callback) {
  const resource = new AsyncResource('ETCDREQUEST');
  return (err, body, headerLines) => {
    if (headerLines === undefined) resource.runInAsyncScope(callback, undefined, err);
    else resource.runInAsyncScope(callback, undefined, err, body, parseHeaders(headerLines));
  };
}

/** A call that has ended when this returns. */
function blockOnCall(request, signal, send) {
  if (signal?.aborted) return { err: new errors.AbortError(signal.reason), body: undefined, headers: undefined };
  let outcome;
  const token = new CancellationToken(request, () => {});
  const call = new Call(request, token, (err, body, headerLines) => {
    outcome = { err, body, headers: headerLines === undefined ? undefined : parseHeaders(headerLines) };
  });
  call.start(send);
  return outcome;
}

module.exports = { blockOnCall, environment, startCall };
