'use strict';

const { AsyncResource } = require('node:async_hooks');
const binding = require('../binding');
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
  #isKey;
  #servers;
  #signal;
  #onSignal;
  #finish;

  /** `finish(err, body, headerLines)` is called at most once. */
  constructor(servers, isKey, token, finish) {
    this.#servers = servers;
    this.#isKey = isKey;
    this.token = token;
    this.#finish = finish;
  }

  /** Hands the request to the native client; `send` is one of its two execute functions. */
  start(send, signal) {
    calls.set(this.#id, this);
    this.#listenTo(signal);
    try {
      return send(this.#id);
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
        return void this.token.errors.push(this.#errorEntry(detail));
      case EventKind.Retrying:
        this.token.retries = detail;
        return undefined;
      case EventKind.Exhausted:
        return this.#finished(errors.exhaustedError(this.token));
      default:
        return this.#finished(errors.refusedError(headerLines, text));
    }
  }

  #replied(status, headerLines, text) {
    const body = parseBody(text);
    this.token._receivedHeaders(headerLines);
    if (body?.errorCode !== undefined && body?.errorCode !== null) {
      return this.#finished(errors.etcdError(body), '', headerLines);
    }
    if (this.#isKey && !isEtcdReply(status, body)) {
      return this.#finished(errors.notEtcdError(status, body), '', headerLines);
    }
    return this.#finished(null, body, headerLines);
  }

  #finished(err, body, headerLines) {
    this.#end();
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

  /** An entry of `err.errors` (semantics.md 2.4). */
  #errorEntry(failure) {
    const { endpoint, timestamp, status, headers, body: text } = failure;
    const body = text === undefined ? undefined : parseBody(text);
    return {
      server: this.#servers[endpoint],
      httperror: status === undefined ? errors.networkError(failure) : null,
      httpstatus: status,
      httpbody: body,
      response: status === undefined ? undefined : { statusCode: status, headers: parseHeaders(headers), body },
      timestamp: new Date(timestamp),
    };
  }
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
function startCall(servers, isKey, maxRetries, signal, callback, send) {
  const token = callback ? new CancellationToken(maxRetries, abort) : new PendingToken(maxRetries, abort);
  const call = new Call(servers, isKey, token, callback ? caller(callback) : (err, body) => token._settle(err, body));
  function abort() {
    call.abort();
  }
  if (signal?.aborted) {
    token._abort(signal.reason);
    return token;
  }
  const route = call.start(send, signal);
  token.servers = route ? Array.from(route, (index) => servers[index]) : servers.slice();
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
function blockOnCall(servers, isKey, maxRetries, signal, send) {
  if (signal?.aborted) return { err: new errors.AbortError(signal.reason), body: undefined, headers: undefined };
  let outcome;
  const token = new CancellationToken(maxRetries, () => {});
  const call = new Call(servers, isKey, token, (err, body, headerLines) => {
    outcome = { err, body, headers: headerLines === undefined ? undefined : parseHeaders(headerLines) };
  });
  call.start(send);
  return outcome;
}

module.exports = { blockOnCall, environment, startCall };
