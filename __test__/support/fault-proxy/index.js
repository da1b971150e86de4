'use strict';

// A TCP proxy in a process of its own, between a client and a port of this machine, that does harm by a plan:
//
//   faults      { name: share of the connections }: 'refuse' (this connection is reset, and new ones are refused for a
//               while) or one of faults.js
//   inARow      so many connections in a row meet a fault at most
//   bytes       a fault strikes within the first so many bytes of a direction,
//   replies     or the first so many replies
//   holdMs      how long [from, to] what stalls is held until it is reset; null: for ever
//   delayMs     how much later [from, to] a delayed chunk comes,
//   delays      for so many chunks
//   refuseMs    how long [from, to] new connections are refused
//   dripBytes   how many bytes come in drops
//
// What the n-th connection meets depends on the seed and n alone.

const path = require('node:path');
const { RemoteProcess } = require('../remote-process');

const PROCESS = path.join(__dirname, 'process.js');

const LIMITS = {
  inARow: Number.MAX_SAFE_INTEGER,
  bytes: 4000,
  replies: 10,
  holdMs: null,
  delayMs: [5, 200],
  delays: Number.MAX_SAFE_INTEGER,
  refuseMs: [5, 200],
  dripBytes: 400,
};

class FaultProxy {
  #remote;

  async start(port, { seed = 0, plan } = {}) {
    this.#remote = new RemoteProcess(PROCESS, [port, seed]);
    this.port = await this.#remote.call('listen');
    this.host = `127.0.0.1:${this.port}`;
    if (plan) await this.follow(plan);
    return this;
  }

  /** Follows a plan from now on, for new connections. */
  follow(plan) {
    return this.#remote.call('follow', { ...LIMITS, ...plan });
  }

  /** Does no more harm: resets the connections that meet or will meet a fault, and lets the others and new ones be. */
  calm() {
    return this.#remote.call('calm');
  }

  /** Resets all connections; new ones are taken. */
  cut() {
    return this.#remote.call('cut');
  }

  /** The same, and new ones are refused. */
  close() {
    return this.#remote.call('close');
  }

  /** Takes connections again. */
  open() {
    return this.#remote.call('open');
  }

  /** What it did: { connections, open, struck: { name: times } }. */
  report() {
    return this.#remote.call('report');
  }

  stop() {
    return this.#remote.stop();
  }
}

/** Starts a proxy to that port, with { seed, plan }. Without a plan it does nothing by itself. */
function startFaultProxy(port, options) {
  return new FaultProxy().start(port, options);
}

module.exports = { startFaultProxy };
