'use strict';

// What goes on, for people (NODE_DEBUG=etcd) and for tracing tools (node:diagnostics_channel). Costs next to nothing
// while nobody listens. No credentials: servers are named without them, and request headers are not told.

const { channel } = require('node:diagnostics_channel');
const { debuglog } = require('node:util');

const CHANNELS = {
  start: channel('node-etcd-native:request:start'),
  reply: channel('node-etcd-native:request:reply'),
  error: channel('node-etcd-native:request:error'),
  retry: channel('node-etcd-native:request:retry'),
};
const ALL = Object.values(CHANNELS);
const debug = debuglog('etcd');
// Taken now, as tools for tests replace it later. What is told is the time that really passed. (`performance` would be
// loaded for it at each start of a program, which takes longer than any file here.)
const { hrtime } = process;

/** Milliseconds. */
function now() {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Watches one request. Make one by `observe`, which gives nothing while nobody listens. */
class Observer {
  #started = now();

  constructor(request, token) {
    this.request = request;
    this.token = token;
    this.#publish('start', {});
  }

  replied(status) {
    this.#tell(`${this.#url(this.#attempts())} ${status}`);
    this.#publish('reply', { status, server: this.#server(this.#attempts()), ms: this.#ms() });
  }

  /** The attempt that was just added to the token's errors. */
  attemptFailed(entry) {
    const reason = entry.httperror ? entry.httperror.code || entry.httperror.message : entry.httpstatus;
    this.#tell(`${this.#url(this.#attempts() - 1)} ${reason}`);
  }

  retrying(retries) {
    this.#publish('retry', { retries });
  }

  failed(error) {
    this.#publish('error', { error, ms: this.#ms() });
  }

  #attempts() {
    return this.token.errors.length;
  }

  #server(attempt) {
    const { servers } = this.token;
    return servers[attempt % servers.length];
  }

  #url(attempt) {
    const { target, isKey, parameters } = this.request;
    const path = isKey ? `/v2/keys/${target.replace(/^\//, '')}` : target;
    return this.#server(attempt) + path + (parameters && `?${parameters}`);
  }

  #ms() {
    return now() - this.#started;
  }

  #tell(what) {
    debug('%s %s %s ms, attempt %d', this.request.verb, what, this.#ms().toFixed(1), this.token.retries + 1);
  }

  #publish(name, message) {
    const { verb: method, target, parameters: query } = this.request;
    CHANNELS[name].publish({ method, target, query, token: this.token, ...message });
  }
}

function observe(request, token) {
  const isObserved = debug.enabled || ALL.some(({ hasSubscribers }) => hasSubscribers);
  return isObserved ? new Observer(request, token) : undefined;
}

module.exports = { observe };
