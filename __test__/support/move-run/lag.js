'use strict';

// How long a change takes from one store to another that follows it, seen from outside.

const Etcd = require('../../..');

const EVERY = 100;

class Lag {
  #from;
  #to;
  #key;
  #timer;
  #watcher;
  #times = [];

  constructor(from, to, key) {
    this.#from = new Etcd(from.host, { api: from.api });
    this.#to = new Etcd(to.host, { api: to.api, namespace: to.namespace });
    this.#key = key;
  }

  start() {
    this.#watcher = this.#to.watcher(this.#key, null).on('change', ({ node }) => {
      this.#times.push(performance.now() - Number(node.value));
    });
    this.#watcher.on('error', () => {}); // a change that is not seen counts as none
    this.#timer = setInterval(() => this.#from.set(this.#key, String(performance.now())).catch(() => {}), EVERY);
  }

  /** No change is made any more. */
  pause() {
    clearInterval(this.#timer);
  }

  /** Resolves with the median and the longest, in milliseconds. */
  async stop() {
    this.#watcher.stop();
    await Promise.all([this.#from.close({ abort: true }), this.#to.close({ abort: true })]);
    const sorted = this.#times.sort((a, b) => a - b).map(Math.round);
    return { median: sorted[sorted.length >> 1], longest: sorted.at(-1), of: sorted.length };
  }
}

module.exports = { Lag };
