'use strict';

// The changes that programs make to a tree, by a seed.

const { Dice } = require('../random');

const TTL = [5, 120];

/** Of a hundred changes, so many are of each kind. */
const SHARES = {
  set: 50,
  update: 5,
  remove: 10,
  setDeep: 6,
  mkdir: 4,
  removeDirectory: 4,
  refresh: 8,
  setEnding: 5,
  create: 3,
  setHidden: 3,
  turnIntoDirectory: 2,
};

class Changes {
  #tree;
  #dice;
  #kinds = Object.entries(SHARES).flatMap(([kind, share]) => Array(share).fill(kind));
  #made = 0;
  /** Directories of its own. */
  #directories = [];
  #ending;

  constructor(seed, tree) {
    this.#tree = tree;
    this.#dice = new Dice(seed, 1);
    this.#ending = [...tree.ending];
  }

  /** The next: { method, key, value, options }. */
  next() {
    this.#made += 1;
    return this[this.#dice.pick(this.#kinds)](String(this.#made));
  }

  #key() {
    return this.#dice.pick(this.#tree.keys);
  }

  set(value) {
    return { method: 'set', key: this.#key(), value };
  }

  update(value) {
    return { ...this.set(value), options: { prevExist: true } };
  }

  remove() {
    return { method: 'del', key: this.#key() };
  }

  setDeep(value) {
    return { method: 'set', key: `${this.#newDirectory()}/deep/er`, value };
  }

  mkdir() {
    return { method: 'mkdir', key: this.#newDirectory() };
  }

  #newDirectory() {
    const key = `${this.#dice.pick(this.#tree.directories)}/made ${this.#made}`;
    this.#directories.push(key);
    return key;
  }

  /** Mostly one of its own: the tree is to stay large. */
  removeDirectory() {
    const isOwn = this.#directories.length > 0 && this.#dice.below(100) > 0;
    const [key] = isOwn
      ? this.#directories.splice(this.#dice.below(this.#directories.length), 1)
      : [this.#dice.pick(this.#tree.directories)];
    return { method: 'del', key, options: { recursive: true } };
  }

  /** Watchers are not told of it. Nor are they when a key that stays is made to end so, which is left out here. */
  refresh() {
    const key = this.#dice.pick(this.#ending);
    return { method: 'set', key, options: { ttl: this.#dice.within(TTL), refresh: true, prevExist: true } };
  }

  setEnding(value) {
    const key = `${this.#dice.pick(this.#tree.directories)}/ending ${this.#made}`;
    this.#ending.push(key);
    return { method: 'set', key, value, options: { ttl: this.#dice.within(TTL) } };
  }

  create(value) {
    return { method: 'create', key: this.#dice.pick(this.#tree.directories), value };
  }

  setHidden(value) {
    return { method: 'set', key: `${this.#dice.pick(this.#tree.hidden)}/secret`, value };
  }

  /** It succeeds where a key has been removed before. */
  turnIntoDirectory(value) {
    return { method: 'set', key: `${this.#key()}/below`, value };
  }
}

module.exports = { Changes };
