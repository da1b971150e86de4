'use strict';

const { apart } = require('./uncaught');

/** What a client has under way, and its end. A call has `isEndless()` and `abort()`, which removes it from here. */
class InFlight {
  #calls = new Set();
  #ended;
  #resolveEnded;

  /** Whether nothing may begin any more. */
  closed = false;

  add(call) {
    this.#calls.add(call);
  }

  delete(call) {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#resolveEnded?.();
  }

  /**
   * Gives up what would not end by itself, or everything, each apart from the others: a watcher's listeners are called.
   * Resolves when nothing is left.
   */
  close(abort) {
    this.closed = true;
    this.#ended ??= new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    for (const call of this.#calls) {
      if (abort || call.isEndless()) apart(() => call.abort());
    }
    if (this.#calls.size === 0) this.#resolveEnded();
    return this.#ended;
  }
}

module.exports = { InFlight };
