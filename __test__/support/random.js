'use strict';

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Choices that depend on a seed alone, and on `stream`: each number of it is a sequence of its own. */
class Dice {
  #next;

  constructor(seed, stream = 0) {
    this.#next = random(seed ^ Math.imul(stream + 1, 0x9e3779b1));
  }

  /** A number from 0 to 1. */
  number() {
    return this.#next();
  }

  /** A whole number from 0 up to but without `end`. */
  below(end) {
    return Math.floor(this.#next() * end);
  }

  /** A whole number of the range, its ends included. */
  within([low, high]) {
    return low + this.below(high - low + 1);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** So many of the list, in any order. */
  sample(list, count) {
    const left = [...list];
    return Array.from({ length: count }, () => left.splice(this.below(left.length), 1)[0]);
  }

  bytes(length) {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

/** The seed of the environment, by which a run can be repeated, or a new one. */
function chooseSeed() {
  return Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
}

module.exports = { Dice, chooseSeed, random };
