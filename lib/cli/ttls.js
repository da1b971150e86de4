'use strict';

const { readNode } = require('./nodes');

/** How often it is looked which keys are about to end. */
const LOOK_EVERY = 500;

/**
 * Keeps keys alive that the source's programs keep alive: v2 tells nobody that a time to live was refreshed. A key that
 * is about to end in the target is looked at in the source.
 */
class Ttls {
  #from;
  #to;
  /** When each key ends in the target, and when it has to be looked at, in milliseconds of this process. */
  #ends = new Map();
  #timer;
  #looking = Promise.resolve();

  constructor(from, to) {
    this.#from = from;
    this.#to = to;
  }

  note(key, node) {
    if (node?.ttl === undefined) {
      this.#ends.delete(key);
      return;
    }
    const now = performance.now();
    const end = now + node.ttl * 1000;
    this.#ends.set(key, { end, look: now + (node.ttl * 1000) / 2, dir: node.dir });
  }

  /** `failed(error)` is told when a key cannot be kept. */
  start(failed) {
    const look = () => {
      this.#looking = this.#lookAtAll().catch(failed);
      this.#looking.then(() => {
        if (this.#timer !== undefined) this.#timer = setTimeout(look, LOOK_EVERY);
      });
    };
    this.#timer = setTimeout(look, LOOK_EVERY);
  }

  async stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#looking;
  }

  async #lookAtAll() {
    const now = performance.now();
    for (const [key, known] of this.#ends) {
      if (known.look <= now) await this.#lookAt(key, known);
    }
  }

  async #lookAt(key, known) {
    const node = await readNode(this.#from, key);
    // It was written meanwhile.
    if (this.#ends.get(key) !== known) return;
    this.note(key, node);
    const added = node?.ttl === undefined ? 0 : node.ttl * 1000 - (known.end - performance.now());
    // The server counts in whole seconds.
    if (added <= 1000) return;
    const kind = known.dir ? { dir: true } : {};
    await this.#to.set(key, undefined, { ...kind, ttl: node.ttl, refresh: true, prevExist: true });
  }
}

module.exports = { Ttls };
