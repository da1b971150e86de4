'use strict';

const { apart } = require('./uncaught');

/** The one listener of each signal that somebody waits for: from the eleventh on, Node would warn of a leak. */
const listeners = new WeakMap();

/** What is to be done when a signal aborts, each apart from the others. It listens as long as there is something. */
class Listener {
  #signal;
  #works = new Set();
  #aborted = () => {
    for (const work of this.#works) apart(work);
    this.#close();
  };

  constructor(signal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#aborted, { once: true });
    listeners.set(signal, this);
  }

  add(work) {
    this.#works.add(work);
  }

  delete(work) {
    if (this.#works.delete(work) && this.#works.size === 0) this.#close();
  }

  #close() {
    listeners.delete(this.#signal);
    this.#signal.removeEventListener('abort', this.#aborted);
  }
}

/**
 * Does `work` when the signal, which is not aborted yet, aborts: after what was asked for before. Returns a function
 * that calls this off.
 */
function onAbort(signal, work) {
  const listener = listeners.get(signal) ?? new Listener(signal);
  listener.add(work);
  return () => listener.delete(work);
}

module.exports = { onAbort };
