'use strict';

// The target of a copy: makes its nodes like those of the source.

const { Comparison, KEY_NOT_FOUND, NOT_A_DIRECTORY, NOT_A_FILE, readNode } = require('./nodes');
const { EXIT, Exit } = require('./exit');

class Replica {
  #from;
  #to;
  #removesExtra;
  #ttls;
  #comparison;
  /** Nodes that were compared, and those that had to be written or removed. */
  seen = 0;
  written = 0;

  /** `ttls` is told which keys end by themselves. With `removesExtra`, what the source lacks is removed. */
  constructor(from, to, ttls, removesExtra) {
    this.#from = from;
    this.#to = to;
    this.#ttls = ttls;
    this.#removesExtra = removesExtra;
  }

  get left() {
    return this.#comparison?.left ?? 0;
  }

  /** Begins nothing more: the copy under way rejects with this error. */
  stop(error) {
    this.#comparison?.stop(error);
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
    this.#comparison = new Comparison(this.#from, this.#to, visitor);
    return await this.#comparison.run(keys);
  }

  /** Writes a node, whatever is there. Resolves with the target's reply. */
  async write(key, node) {
    const ttl = node.ttl === undefined ? {} : { ttl: Math.max(node.ttl, 1) };
    this.written += 1;
    this.#ttls.note(key, node);
    return await this.#named(key, () =>
      node.dir ? this.#makeDirectory(key, ttl) : this.#to.set(key, node.value, ttl),
    );
  }

  /** Removes a key and all below it. Resolves with the reply, or without one if it was not there. */
  async remove(key) {
    this.written += 1;
    try {
      return await this.#named(key, () => this.#to.del(key, { recursive: true }));
    } catch (error) {
      if (error.cause?.errorCode === KEY_NOT_FOUND || error.cause?.errorCode === NOT_A_DIRECTORY) return undefined;
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
    if (key !== '/') await this.write(key, node);
  }

  /** Its time to live is changed if it is there. */
  async #makeDirectory(key, ttl) {
    try {
      return await this.#to.mkdir(key, ttl);
    } catch (error) {
      if (error.errorCode !== NOT_A_FILE) throw error;
      const there = await readNode(this.#to, key);
      if (there?.ttl === undefined && ttl.ttl === undefined) return undefined;
      return await this.#to.mkdir(key, { ...ttl, prevExist: true });
    }
  }

  /** Says which key could not be written. */
  async #named(key, work) {
    try {
      return await work();
    } catch (error) {
      throw Object.assign(new Exit(EXIT.failed, `${key} cannot be written: ${error.message}`), { cause: error });
    }
  }
}

module.exports = { Replica };
