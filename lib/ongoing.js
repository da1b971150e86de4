'use strict';

/** What a client has under way, and its end. A thing has `isEndless()` and `giveUp()`, which removes it from here. */
class Ongoing {
  #things = new Set();
  #ended;
  #resolveEnded;

  /** Whether nothing may begin any more. */
  closed = false;

  add(thing) {
    this.#things.add(thing);
  }

  delete(thing) {
    this.#things.delete(thing);
    if (this.#things.size === 0) this.#resolveEnded?.();
  }

  /** Gives up what would not end by itself, or everything; resolves when nothing is left. */
  close(abort) {
    this.closed = true;
    this.#ended ??= new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    for (const thing of this.#things) {
      if (abort || thing.isEndless()) thing.giveUp();
    }
    if (this.#things.size === 0) this.#resolveEnded();
    return this.#ended;
  }
}

module.exports = { Ongoing };
