'use strict';

const Etcd = require('../../..');

/** What a change finds that another one was quicker to make or remove. */
const RACES = new Set([100, 102, 104, 105, 108]);
/** Requests under way at once. */
const IN_FLIGHT = 64;

/** A key that means itself: the client takes `%41` in a key for an A, as node-etcd did. */
const literal = (key) => key.replaceAll('%', '%25');

class Client {
  #etcd;

  constructor({ host, api }) {
    this.#etcd = new Etcd(host, { api });
  }

  /** Makes a change. Resolves with whether it took place. */
  async make({ method, key, value, options = {} }) {
    const args = method === 'set' || method === 'create' ? [value, options] : [options];
    try {
      await this.#etcd[method](literal(key), ...args);
      return true;
    } catch (error) {
      if (RACES.has(error.errorCode)) return false;
      throw new Error(`${method} ${key}: ${error.message}`);
    }
  }

  /** Makes many, several at a time. Resolves with how many there were. */
  async makeAll(changes) {
    let count = 0;
    const work = async () => {
      for (const change of changes) {
        count += 1;
        await this.make(change);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    return count;
  }

  close() {
    return this.#etcd.close();
  }
}

module.exports = { Client };
