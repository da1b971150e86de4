'use strict';

const { NativeClient } = require('./addon');
const { checkCount, checkNumber, checkSignal } = require('./arguments');
const { blockOnCall, startCall } = require('./call');
const dispatch = require('./dispatch');
const { encodeParameters, valueText } = require('./encoding');
const { closedError, invalidValue } = require('./errors');
const { InFlight } = require('./in-flight');
const { readOptions } = require('./options');
const { startWatch } = require('./watch-call');

/** Options of a single call that are no query parameters. */
const RESERVED = new Set(['maxRetries', 'signal', 'synchronous', 'timeout']);
const NONE = Object.freeze({ parameters: '', signal: undefined, synchronous: false });
/** How long a server may take to tell its version, in milliseconds. */
const VERSION_WITHIN = 2000;
/** How etcd spells true (semantics.md 3.1). */
const TRUE = ['true', '1', 't', 'T', 'TRUE', 'True'];

/** One request of a client; see `Call`. */
class Request {
  #client;
  #native;
  #value;
  #synchronous;
  #timeout;

  constructor(client, native, { verb, target, isKey, value }, call) {
    const { parameters, synchronous, timeout = client.timeout, maxRetries = client.maxRetries } = call;
    this.verb = verb;
    this.target = target;
    this.isKey = isKey;
    this.parameters = parameters;
    this.waits = verb === 'GET' && isWait(isKey ? parameters : rawQuery(target, parameters));
    this.maxRetries = maxRetries;
    this.hosts = client.servers;
    this.#client = client;
    this.#native = native;
    this.#value = valueText(value);
    this.#synchronous = synchronous;
    this.#timeout = timeout;
  }

  /** An order in which it can try the hosts. */
  route() {
    return this.#native.route();
  }

  /** Blocks if it is a Sync one. */
  send(id, route) {
    const { verb, target, isKey, parameters, waits, maxRetries } = this;
    const [value, timeout] = [this.#value, this.#timeout];
    return this.#native.send(
      id,
      this.#synchronous,
      verb,
      target,
      isKey,
      parameters,
      value,
      waits,
      maxRetries,
      timeout,
      route,
    );
  }

  /** Tells the version of a server, if it says which. */
  serverVersion(tell) {
    this.#client.tellVersion(this.#synchronous, this.#timeout, tell);
  }
}

/** Sends the requests of an Etcd object to its hosts. */
class Client {
  #native;
  #inFlight = new InFlight();
  /** Of a server, once it has been asked. */
  #version;
  /** Gives the proxies to use now; see `proxiesOf`. */
  #proxies;
  /** Those that the native client knows of. */
  #knownProxies = null;

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
  key(verb, key, value, options, callback) {
    return this.#execute({ verb, target: key, isKey: true, value }, options, callback);
  }

  /** A request for any other path, whose reply may be anything. */
  path(verb, path, value, options, callback) {
    return this.#execute({ verb, target: path, isKey: false, value }, options, callback);
  }

  /** A watch, which tells `handlers` until it is stopped. */
  watch(key, index, options, { buffer, bufferBytes, liveness }, handlers) {
    const { parameters, timeout = this.timeout } = readCall(options);
    const since = index === null ? undefined : Number(index);
    if (this.#inFlight.closed) throw closedError();
    this.#updateProxies();
    return startWatch(this.servers, handlers, this.#inFlight, (id) =>
      this.#native.watch(id, key, parameters, since, timeout, buffer, bufferBytes, liveness),
    );
  }

  /** Lets nothing begin any more; see `Etcd.close`. */
  async close(abort) {
    await this.#inFlight.close(abort);
    this.#native.close();
  }

  #execute(what, options, callback) {
    const call = readCall(options);
    const { signal, synchronous } = call;
    const request = new Request(this, this.#native, what, call);
    if (this.#inFlight.closed) return rejectedCall(request, signal, callback, synchronous);
    this.#updateProxies();
    if (synchronous) return blockOnCall(request, signal);
    return startCall(request, signal, callback, this.#inFlight);
  }

  /** @internal Tells the version of a server, if it says which: it is asked once. */
  tellVersion(synchronous, timeout, tell) {
    if (this.#version !== undefined) return tell(this.#version);
    const learn = (body) => {
      if (typeof body?.etcdserver === 'string') this.#version = body.etcdserver;
      tell(this.#version);
    };
    const options = { synchronous, timeout: Math.min(timeout || VERSION_WITHIN, VERSION_WITHIN), maxRetries: 0 };
    if (synchronous) return learn(this.path('GET', '/version', undefined, options).body);
    this.path('GET', '/version', undefined, options, (_, body) => learn(body));
  }

  /** The environment may say something else than before. */
  #updateProxies() {
    const proxies = this.#proxies();
    if (proxies === this.#knownProxies || String(proxies) === String(this.#knownProxies)) return;
    this.#knownProxies = proxies;
    this.#native.setProxies(proxies);
  }
}

/** Whether a read with this query waits for a change: the first `wait` counts. Nothing else waits. */
function isWait(query) {
  return query !== '' && TRUE.includes(new URLSearchParams(query).get('wait'));
}

/** The query of a path that may have one of its own. */
function rawQuery(path, parameters) {
  const start = path.indexOf('?');
  return start < 0 ? parameters : `${path.slice(start + 1)}&${parameters}`;
}

/** The outcome of a call that comes too late. */
function rejectedCall(request, signal, callback, synchronous) {
  if (synchronous) return { err: closedError(), body: undefined, headers: undefined };
  request.send = () => {
    throw closedError();
  };
  return startCall(request, signal, callback, new InFlight());
}

function nativeClient(options) {
  try {
    return new NativeClient(dispatch.native, options);
  } catch (error) {
    if (error.code !== 'InvalidArg') throw error;
    throw invalidValue(`Invalid argument: ${error.message}`);
  }
}

/** Separates what concerns the call from what becomes the query. */
function readCall(options) {
  if (options === undefined) return NONE;
  const { maxRetries, signal, synchronous, timeout } = options;
  return {
    parameters: encodeParameters(options, RESERVED),
    signal: signal === undefined || signal === null ? undefined : checkSignal(signal),
    synchronous: synchronous === true,
    timeout: timeout === undefined || timeout === null ? undefined : checkNumber('options.timeout', timeout),
    // Null means none, as it always did.
    maxRetries: maxRetries === undefined ? undefined : checkCount('options.maxRetries', maxRetries ?? 0),
  };
}

module.exports = { Client };
