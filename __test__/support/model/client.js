'use strict';

const Etcd = require('../../..');

/** What a `RawEtcd` is on v2, where v2 is kept on v3: there v2's model has no other client than this package's. */
class Client {
  #etcd;

  constructor(host, api) {
    this.#etcd = new Etcd(host, { api, maxRetries: 0 });
  }

  /** Resolves with { status, body }. */
  async ask(method, key, { query = {}, form = {} } = {}) {
    const { value, ...more } = form;
    const options = { ...query, ...more };
    const requests = {
      GET: () => this.#etcd.get(key, options),
      PUT: () => this.#etcd.set(key, value, options),
      POST: () => this.#etcd.create(key, value, options),
      DELETE: () => this.#etcd.del(key, options),
    };
    try {
      return { status: 200, body: await requests[method]() };
    } catch (err) {
      if (err.errorCode === undefined) throw err;
      return { status: 400, body: { errorCode: err.errorCode, cause: err.error.cause } };
    }
  }
}

module.exports = { Client };
