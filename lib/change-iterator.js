'use strict';

/**
 * The changes of a watcher for a `for await` loop, none lost between two turns. What waits here is told to `hold`, as
 * true and false, so that the watch reads no further ahead than its buffer.
 */
class ChangeIterator {
  #waiting = [];
  #taken = 0;
  /** Of the calls of next() that found nothing. */
  #takers = [];
  #hold;
  #leave;
  #ended = false;
  #error;

  constructor(hold, leave) {
    this.#hold = hold;
    this.#leave = leave;
  }

  /** A change came. */
  add(change) {
    const taker = this.#takers.shift();
    if (taker) return taker.resolve({ done: false, value: change });
    if (this.#waiting.push(change) === 1) this.#hold(true);
  }

  /** None comes any more; those that wait are still to be had, and then the error if there is one. */
  end(error) {
    this.#ended = true;
    this.#error = error;
    for (const taker of this.#takers.splice(0)) this.#last().then(taker.resolve, taker.reject);
  }

  async next() {
    if (this.#waiting.length > 0) return { done: false, value: this.#take() };
    if (this.#ended) return this.#last();
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** The loop was left; by an error of ours it is, too. */
  async return(value) {
    this.clear();
    this.#leave();
    return { done: true, value };
  }

  /** Ends with nothing left to be had. */
  clear() {
    if (this.#waiting.length > 0) this.#empty();
    this.end();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  #take() {
    const change = this.#waiting[this.#taken];
    this.#taken += 1;
    if (this.#taken === this.#waiting.length) this.#empty();
    return change;
  }

  #empty() {
    this.#waiting = [];
    this.#taken = 0;
    this.#hold(false);
  }

  async #last() {
    const error = this.#error;
    this.#error = undefined;
    if (error) {
      await undefined; // who else hears of the error does so before the end that it leads to
      this.#leave();
      throw error;
    }
    return { done: true, value: undefined };
  }
}

module.exports = { ChangeIterator };
