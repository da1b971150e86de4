'use strict';

const binding = require('./addon');
const { checkCount, checkNumber, checkSignal } = require('./arguments');
const { blockOnCall, startCall } = require('./call');
const dispatch = require('./dispatch');
const { closedError, invalidValue } = require('./errors');
const { InFlight } = require('./in-flight');
const { readOptions } = require('./options');
const { formOf, stringify } = require('./encoding');
const { startWatch } = require('./watch-call');

/** Options of a single call that are no query parameters. */
const RESERVED = new Set(['maxRetries', 'signal', 'synchronous', 'timeout']);
const NONE = Object.freeze({ query: '', signal: undefined, synchronous: false });

/** Sends the requests of an Etcd object to its hosts. */
class Client {
  #native;
  #inFlight = new InFlight();
  #proxies;

  constructor(hosts, options) {
    const { timeout, maxRetries, proxies, native } = readOptions(hosts, options);
    this.timeout = timeout;
    this.maxRetries = maxRetries;
    this.#proxies = proxies;
    this.#native = nativeClient(native);
    /** The hosts without credentials, for messages. */
    this.servers = this.#native.servers();
  }

  /** The cleaned URLs of the hosts. */
  hosts() {
    return this.#native.hosts();
  }

  /** A request for a key or directory. */
  key(method, key, value, options, callback) {
    return this.#execute(method, key, true, value, options, callback);
  }

  /** A request for any other path, whose reply may be anything. */
  path(method, path, value, options, callback) {
    return this.#execute(method, path, false, value, options, callback);
  }

  /** A watch, which tells `handlers` until it is aborted. */
  watch(key, index, options, { buffer, liveness }, handlers) {
    const { query, timeout = this.timeout } = readCall(options);
    const since = index === null ? undefined : Number(index);
    const proxies = this.#proxies();
    if (this.#inFlight.closed) throw closedError();
    return startWatch(this.servers, handlers, this.#inFlight, (id) =>
      this.#native.watch(id, key, query, since, timeout, proxies, buffer, liveness),
    );
  }

  /** Lets nothing begin any more; see `Etcd.close`. */
  async close(abort) {
    await this.#inFlight.close(abort);
    this.#native.close();
  }

  #execute(method, target, isKey, value, options, callback) {
    const { query, signal, synchronous, timeout = this.timeout, maxRetries = this.maxRetries } = readCall(options);
    const route = this.servers.length > 1 ? this.#native.route() : undefined;
    const request = { method, target, isKey, query, maxRetries, hosts: this.servers, route };
    const form = formOf(value);
    const proxies = this.#proxies();
    const native = this.#native;
    if (this.#inFlight.closed) return refuse(request, signal, callback, synchronous);
    if (synchronous) {
      return blockOnCall(request, signal, (id) =>
        native.executeSync(id, method, target, isKey, query, form, maxRetries, timeout, proxies, route),
      );
    }
    return startCall(request, signal, callback, this.#inFlight, (id) =>
      native.execute(id, method, target, isKey, query, form, maxRetries, timeout, proxies, route),
    );
  }
}

/** The outcome of a call that comes too late. */
function refuse(request, signal, callback, synchronous) {
  const refusing = () => {
    throw closedError();
  };
  if (synchronous) return { err: closedError(), body: undefined, headers: undefined };
  return startCall(request, signal, callback, new InFlight(), refusing);
}

function nativeClient(options) {
  try {
    return new binding.Client(dispatch.native, options);
  } catch (error) {
    if (error.code !== 'InvalidArg') throw error;
    throw invalidValue(`Invalid argument: ${error.message}`);
  }
}

/** Separates what concerns the call from what becomes the query. */
function readCall(options) {
  if (options === undefined) return NONE;
  const parameters = {};
  for (const name in options) {
    if (!RESERVED.has(name)) parameters[name] = options[name];
  }
  const { maxRetries, signal, synchronous, timeout } = options;
  return {
    query: stringify(parameters),
    signal: signal === undefined || signal === null ? undefined : checkSignal(signal),
    synchronous: synchronous === true,
    timeout: timeout === undefined || timeout === null ? undefined : checkNumber('options.timeout', timeout),
    // Null means none, as it always did.
    maxRetries: maxRetries === undefined ? undefined : checkCount('options.maxRetries', maxRetries ?? 0),
  };
}

module.exports = { Client };
