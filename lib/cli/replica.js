'use strict';

// The target of a copy: makes its nodes like those of the source.

const { Comparison, KEY_NOT_FOUND, NOT_A_DIRECTORY, NOT_A_FILE, RAFT_INTERNAL } = require('./nodes');
const { EXIT, Exit, reasonOf } = require('./exit');
const { isAtOrBelow } = require('./keys');
const { makeDirectory } = require('./make-directory');

/** What the removal of a key meets that is not there. */
const GONE = [KEY_NOT_FOUND, NOT_A_DIRECTORY];

class Replica {
  #from;
  #to;
  #keys;
  #removesExtra;
  #ttls;
  /** Those under way. */
  #comparisons = new Set();
  #stopped;
  /** Nodes that were compared, and those that had to be written or removed. */
  seen = 0;
  written = 0;

  /**
   * Of a key, and of hidden ones after it. `ttls` is told which keys end by themselves. With `removesExtra`, what the
   * source lacks is removed.
   */
  constructor(from, to, keys, ttls, removesExtra) {
    this.#from = from;
    this.#to = to;
    this.#keys = keys;
    this.#ttls = ttls;
    this.#removesExtra = removesExtra;
  }

  get left() {
    return [...this.#comparisons].reduce((sum, { left }) => sum + left, 0);
  }

  /** Begins nothing more: each copy rejects with this error. */
  stop(error) {
    this.#stopped = error;
    for (const comparison of this.#comparisons) comparison.stop(error);
  }

  /** Makes everything as in the source. Resolves with whether the source has the key that is not hidden. */
  async copyAll() {
    const [key, ...hidden] = this.#keys;
    const isThere = await this.copy([key]);
    await this.copy(hidden);
    return isThere;
  }

  /** The keys that have to be named, as no listing shows them, below another one. */
  hiddenBelow(key) {
    return this.#keys.filter((other) => other !== key && isAtOrBelow(other, key));
  }

  /** Makes keys, and what is below them, as in the source. Resolves with whether the source has any of them. */
  async copy(keys, { removesExtra = this.#removesExtra } = {}) {
    const visitor = {
      visits: (key, node) => {
        this.seen += 1;
        this.#ttls.note(key, node);
      },
      differs: (what, key, node) => this.#repair(what, key, node, removesExtra),
    };
    if (this.#stopped) throw this.#stopped;
    const comparison = new Comparison(this.#from, this.#to, visitor);
    this.#comparisons.add(comparison);
    try {
      return await comparison.run(keys);
    } finally {
      this.#comparisons.delete(comparison);
    }
  }

  /** Writes a node, whatever is there. Resolves with the target's reply. */
  async write(key, node) {
    const ttl = node.ttl === undefined ? {} : { ttl: Math.max(node.ttl, 1) };
    this.written += 1;
    this.#ttls.note(key, node);
    return await this.#named(key, () =>
      node.dir ? makeDirectory(this.#to, key, ttl) : this.#to.set(key, node.value, ttl),
    );
  }

  /** Removes a key and all below it. Resolves with the reply, or without one if it was not there. */
  async remove(key) {
    return await this.#delete(key, { recursive: true }, GONE);
  }

  async #delete(key, options, isFine) {
    this.written += 1;
    try {
      return await this.#named(key, () => this.#to.del(key, options));
    } catch (error) {
      if (isFine.includes(error.cause?.errorCode)) return undefined;
      throw error;
    }
  }

  async #repair(what, key, node, removesExtra) {
    if (what === 'extra') {
      if (removesExtra) await this.remove(key);
      return;
    }
    if (what === 'kind') await this.remove(key);
    // The root is always there.
    if (key !== '/') await this.#writeOver(key, node);
  }

  /** Writes a node, once what is in its way has been removed: the source may have changed while it was read. */
  async #writeOver(key, node) {
    try {
      await this.write(key, node);
    } catch (error) {
      const { errorCode, error: reply } = error.cause;
      // The reply says which key should be a directory.
      if (errorCode === NOT_A_DIRECTORY) await this.#delete(reply.cause, {}, [...GONE, NOT_A_FILE]);
      else if (errorCode === NOT_A_FILE || isRefusedTtl(error, node)) await this.remove(key);
      else throw error;
      await this.write(key, node);
      // What is listed is looked at after this.
      await this.copy(this.hiddenBelow(key));
    }
  }

  /** Says which key could not be written. */
  async #named(key, work) {
    try {
      return await work();
    } catch (error) {
      throw Object.assign(new Exit(EXIT.failed, `${key} cannot be written: ${reasonOf(error)}`), { cause: error });
    }
  }
}

/** Whether the target cannot change the time to live of a directory: etcd 3.5 of none, v3 of none that holds much. */
const isRefusedTtl = (error, node) => node.dir === true && error.cause?.errorCode === RAFT_INTERNAL;

module.exports = { Replica, isRefusedTtl };
