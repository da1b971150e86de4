'use strict';

// The indexes and the in-order names of two stores that count differently, as v2's own and v3's revisions: what one says in
// terms of the other one.

const IN_ORDER = /\d{20}/g;

class Translation {
  /** Pairs of a change's indexes, in order: [first, second]. */
  #pairs = [];
  #names = new Map();
  #namesBack = new Map();

  /** Notes where both are, after a change or when nothing has happened in between. */
  learn(first, second) {
    const [lastFirst, lastSecond] = this.#pairs.at(-1) ?? [0, 0];
    if (first > lastFirst && second > lastSecond) this.#pairs.push([first, second]);
  }

  /** Notes the names that both gave to the same node. */
  learnKeys(first, second) {
    const [one, other] = [first, second].map((key) => key?.match(IN_ORDER)?.at(-1));
    if (!one || !other) return;
    this.#names.set(one, other);
    this.#namesBack.set(other, one);
  }

  /** The second's index for one of the first's: of the same change, or as it is if there is none. */
  toSecond(index) {
    return this.#pairs.find(([first]) => first === index)?.[1] ?? index;
  }

  /** Where the second begins with the changes that the first has from an index on. */
  startInSecond(index) {
    const next = this.#pairs.find(([first]) => first >= index);
    const [, last] = this.#pairs.at(-1) ?? [0, 0];
    return next ? next[1] : last + 1;
  }

  /** The index of the first before which nothing is known. */
  get start() {
    return this.#pairs[0]?.[0] ?? 0;
  }

  /**
   * The first's index for one of the second's: of the last change up to it, as some change what nobody sees. What was before
   * all changes is as it is.
   */
  toFirst(index) {
    return this.#pairs.findLast(([, second]) => second <= index)?.[0] ?? index;
  }

  keyToSecond(key) {
    return key.replace(IN_ORDER, (name) => this.#names.get(name) ?? name);
  }

  keyToFirst(key) {
    return key.replace(IN_ORDER, (name) => this.#namesBack.get(name) ?? name);
  }

  /** A call as the second gets it. */
  call({ method, args, ...how }) {
    const [key, ...rest] = args;
    const options = { ...rest.pop() };
    if (typeof options.prevIndex === 'number') options.prevIndex = this.toSecond(options.prevIndex);
    const isRaw = method === 'raw';
    const moved = isRaw ? [key, this.keyToSecond(rest.shift()), ...rest] : [this.keyToSecond(key), ...rest];
    if (method === 'watcher') moved[1] = this.startInSecond(moved[1]);
    return { method, args: [...moved, options], ...how };
  }

  /** What the second answered to that call, in the first's terms. */
  outcome({ err, body, headers }, { args }) {
    return {
      err: err && this.#error(err, args.at(-1)),
      body: this.#body(body),
      headers: headers && this.#headers(headers),
    };
  }

  #headers(headers) {
    const index = headers['x-etcd-index'];
    return index === undefined ? headers : { ...headers, 'x-etcd-index': String(this.toFirst(Number(index))) };
  }

  #body(body) {
    if (typeof body !== 'object' || body === null) return body;
    const shown = { ...body };
    for (const name of ['node', 'prevNode']) if (body[name]) shown[name] = this.#node(body[name]);
    return shown;
  }

  #node(node) {
    const shown = { ...node };
    if (node.key !== undefined) shown.key = this.keyToFirst(node.key);
    for (const name of ['modifiedIndex', 'createdIndex']) {
      if (node[name] !== undefined) shown[name] = this.toFirst(node[name]);
    }
    if (node.nodes) shown.nodes = node.nodes.map((child) => this.#node(child));
    return shown;
  }

  #error(err, options) {
    if (err.error === undefined) return err;
    const error = { ...err.error, index: this.toFirst(err.error.index) };
    if (error.cause !== undefined) error.cause = this.#cause(error, options);
    return Object.assign(new Error(err.message), err, { error });
  }

  /** Indexes are in the causes of comparisons with one, and of what is forgotten. */
  #cause({ errorCode, cause }, { prevIndex }) {
    const index = (text) => String(this.toFirst(Number(text)));
    if (errorCode === 101 && prevIndex > 0) {
      return cause.replace(/\[(\d+) != (\d+)\]$/, (_, asked, found) => `[${index(asked)} != ${index(found)}]`);
    }
    return this.keyToFirst(cause);
  }
}

module.exports = { Translation };
