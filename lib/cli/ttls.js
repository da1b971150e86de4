'use strict';

const { EXIT, Exit, reasonOf } = require('./exit');
const { KEY_NOT_FOUND, readNode } = require('./nodes');
const { isRefusedTtl } = require('./replica');

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

  /** Looks at keys in time, between the changes that a follower applies, which fails if one cannot be kept. */
  start(follower) {
    const look = () => {
      this.#looking = this.#lookAtAll(follower, performance.now()).catch(() => {}); // the follower tells of it
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

  /** Looks at all keys a last time. */
  async finish(follower) {
    await this.#lookAtAll(follower, Number.POSITIVE_INFINITY);
  }

  async #lookAtAll(follower, until) {
    for (const [key, known] of this.#ends) {
      if (known.look > until) continue;
      known.look = Number.POSITIVE_INFINITY;
      await follower.between(key, () => this.#lookAt(key, follower));
    }
  }

  async #lookAt(key, follower) {
    const known = this.#ends.get(key);
    const node = await readNode(this.#from, key);
    this.note(key, node);
    // It was written meanwhile, and that follows.
    if (known === undefined || (node !== undefined && node.ttl === undefined)) return;
    if (node === undefined) return await follower.copyAgain(key);
    const added = node.ttl * 1000 - (known.end - performance.now());
    // The server counts in whole seconds.
    if (Math.abs(added) <= 1000) return;
    try {
      await this.#refresh(key, node);
    } catch (error) {
      // It ended, or it has to be made anew.
      if (error.errorCode === KEY_NOT_FOUND || isRefusedTtl({ cause: error }, node))
        return await follower.copyAgain(key);
      throw new Exit(EXIT.failed, `${key} cannot be refreshed: ${reasonOf(error)}`);
    }
  }

  async #refresh(key, { dir, ttl }) {
    const kind = dir ? { dir: true } : {};
    await this.#to.set(key, undefined, { ...kind, ttl, refresh: true, prevExist: true });
  }
}

module.exports = { Ttls };
