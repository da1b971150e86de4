'use strict';

// A tree of everything that v2 can hold, by a seed.

const { Dice } = require('../random');

/** Of a hundred directories, so many hold no key, so many hold keys in order, and so many end by themselves. */
const EMPTY = 5;
const QUEUES = 1;
const ENDING = 1;
/** One in so many values is of some KB, and one of 64 KB. */
const LARGE = 100;
const LARGEST = 2000;
/** Seconds that keys and directories have to live: some end during the run. */
const TTL = [5, 3600];
const ODD = [...' ?#&=+é日🙂"\'\\*~:;,[]{}|^`<>$\u0001', '%41', '%', '..'];

class Tree {
  #shape;
  #dice;
  root;
  directories = [];
  /** Directories that no listing shows. */
  hidden = [];
  /** The keys that stay, and those that end by themselves. */
  keys = [];
  ending = [];

  /** `shape` says how many there are: { keys, directories, ttls, hidden }; all are below `root`. */
  constructor(seed, { root = '/tree', ...shape }) {
    this.root = root;
    this.#shape = shape;
    this.#dice = new Dice(seed);
    for (let i = 0; i < shape.directories; i++) this.directories.push(`${this.#parent()}/${this.#name('d', i)}`);
    for (let i = 0; i < shape.hidden; i++) this.hidden.push(`${this.#dice.pick(this.directories)}/_h${i}`);
  }

  /** What makes the directories, each before those in it. */
  *mkdirs() {
    for (const [i, key] of this.directories.entries()) {
      yield { method: 'mkdir', key, options: i % 100 < ENDING ? { ttl: this.#ttl() } : {} };
    }
  }

  /** What makes the keys, in any order. */
  *sets() {
    const { keys, ttls } = this.#shape;
    for (const key of this.hidden) yield { method: 'set', key: `${key}/secret`, value: this.#value() };
    const used = this.directories.filter((_, i) => i % 100 < 100 - EMPTY);
    for (let i = 0; i < keys; i++) {
      const at = this.#dice.below(used.length);
      if (at % 100 === ENDING && at % (100 / QUEUES) === ENDING) {
        yield { method: 'create', key: used[at], value: this.#value() };
        continue;
      }
      const key = `${used[at]}/${this.#name('k', i)}`;
      (i < ttls ? this.ending : this.keys).push(key);
      yield { method: 'set', key, value: this.#value(), options: i < ttls ? { ttl: this.#ttl() } : {} };
    }
  }

  /** Half of the directories are in others, so that some are deep. */
  #parent() {
    const isTop = this.directories.length === 0 || this.#dice.below(2) === 0;
    return isTop ? this.root : this.#dice.pick(this.directories);
  }

  /** A name of its own for each number; one in ten is odd. */
  #name(kind, i) {
    return this.#dice.below(10) === 0 ? `${kind}${this.#dice.pick(ODD)}${i}` : `${kind}${i}`;
  }

  #value() {
    const letter = this.#dice.pick(['v', 'é', '\n', '"', '\u0000']);
    const isLargest = this.#dice.below(LARGEST) === 0;
    const isLarge = this.#dice.below(LARGE) === 0;
    const bytes = isLargest ? 65_536 : this.#dice.below(isLarge ? 8192 : 80);
    return letter.repeat(bytes / Buffer.byteLength(letter));
  }

  #ttl() {
    return this.#dice.within(TTL);
  }
}

module.exports = { Tree };
