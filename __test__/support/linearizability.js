'use strict';

// Whether a history of concurrent operations on one object is linearizable: whether each can have taken place at one
// moment between its call and its return. The algorithm is Wing's and Gong's search, with Lowe's memory of what was tried.
//
// An operation is { call, end, … }, two moments of one clock. An operation without an `end` failed, and may have taken
// place, or may yet. `step(state, operation)` tells what an operation does: it gives the state that is left, a string, or
// undefined where the operation cannot have been told in this state what it was told.

const NEVER = Number.MAX_SAFE_INTEGER;
/** Far more than any history of the tests has needed. Beyond it there is no answer in useful time. */
const MOST_STEPS = 1_000_000;

class Search {
  /** { order, next }: the operations in the order that was found, as far as it got, and what cannot follow. */
  farthest = { order: [], next: [] };
  #order = [];
  #tried = new Set();

  constructor(history, step) {
    this.step = step;
    this.operations = history
      .map((operation) => ({ operation, call: operation.call, end: operation.end ?? NEVER }))
      .sort((one, other) => one.call - other.call);
    this.done = Buffer.alloc(history.length);
    this.left = history.filter(({ end }) => end !== undefined).length;
  }

  /** Whether what is left can follow. What may never have taken place does not have to. */
  canGoOnFrom(state) {
    if (this.left === 0) return true;
    const next = this.#next();
    for (const i of next) if (this.#canTake(i, state)) return true;
    if (this.#order.length >= this.farthest.order.length) {
      const shown = (indexes) => indexes.map((i) => this.operations[i].operation);
      this.farthest = { order: shown(this.#order), next: shown(next) };
    }
    return false;
  }

  #canTake(i, state) {
    const { operation, end } = this.operations[i];
    const after = this.step(state, operation);
    if (after === undefined) return false;
    const counts = end < NEVER ? 1 : 0;
    this.done[i] = 1;
    this.left -= counts;
    this.#order.push(i);
    if (this.#isNew(after) && this.canGoOnFrom(after)) return true;
    this.#order.pop();
    this.left += counts;
    this.done[i] = 0;
    return false;
  }

  #isNew(state) {
    const point = this.done.toString('latin1') + state;
    if (this.#tried.has(point)) return false;
    this.#tried.add(point);
    if (this.#tried.size <= MOST_STEPS) return true;
    throw new Error(`There is no answer for ${this.operations.length} operations within ${MOST_STEPS} steps`);
  }

  /** Those called before any other that is left has returned. The first to return comes first, as it is the likeliest. */
  #next() {
    let firstEnd = NEVER;
    const next = [];
    for (let i = 0; i < this.operations.length && this.operations[i].call < firstEnd; i++) {
      if (this.done[i]) continue;
      next.push(i);
      firstEnd = Math.min(firstEnd, this.operations[i].end);
    }
    return next.sort((one, other) => this.operations[one].end - this.operations[other].end);
  }
}

/** Undefined if the history is linearizable, else where an order of it comes to an end: { order, next }. */
function findViolation(history, step, initial) {
  const search = new Search(history, step);
  return search.canGoOnFrom(initial) ? undefined : search.farthest;
}

module.exports = { findViolation };
