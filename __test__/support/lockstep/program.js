'use strict';

// What a run does, by its seed and by what the servers answered: calls of a client's methods, right and wrong ones.
//
// A call is { method, args, how }: the method's name, its arguments, of which the last is the options, and whether it
// is made with a callback or as a Sync call.

const { Dice } = require('../random');

/** The same beginning, hidden, escaped, not ASCII, and a name that JSON escapes. */
const NAMES = ['a', 'b', 'ab', 'a-b', '_h', 'c<&>', 'ü\u2028', 'a b', '_', 'z'];
/** Without a name that etcd treats one way in its history and another way in a watch that waits (semantics.md 3.3). */
const PLAIN_NAMES = ['a', 'b', 'c<&>', 'ü\u2028', 'z'];
const VALUES = ['v1', 'v2', '', 'x<y>&z', '"q"\\\n\t\b\f\u0001\u2028é😀', null, 7];
const BOOLEANS = ['true', 'false', '1', 'F'];
/** Parameters that etcd refuses, reads in its own way, or does not know. */
const ODD = [
  { prevIndex: 'x' },
  { prevIndex: -1 },
  { waitIndex: 1.5 },
  { recursive: 'yes' },
  { recursive: '' },
  { sorted: 2 },
  { wait: 'maybe' },
  { dir: '' },
  { quorum: 'TRuE' },
  { stream: 'no' },
  { prevValue: '' },
  { noValueOnSuccess: '' },
  { ttl: -1 },
  { ttl: 1.5 },
  { ttl: 'x' },
  { ttl: '18446744073709551616' },
  { prevExist: '' },
  { prevExist: 'x' },
  { refresh: '' },
  { refresh: true },
  { refresh: 'x' },
  { unknown: 1 },
  { value: 'q' },
];
/** Queries that no parameters of a method can make. */
const ODD_QUERIES = [
  'a=%zz',
  'b=1;c=2',
  'a=%e',
  'sorted=true&sorted=x',
  '&&=&recursive',
  'recursive=t+',
  'r%65cursive=true',
];
const RAW_METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'];
/** So many nodes of those that were written last are asked for more often than others. */
const REMEMBERED = 30;
const DEEP = 60;
/** What etcd keeps of its history, and some more. */
const FORGOTTEN = 1100;

class Program {
  #dice;
  #names;
  /** What was answered about nodes: { key, value, index }, each once, the last one last. */
  #known = [];

  /** For runs with watchers, which are told the same by both only of plain names. */
  constructor(seed, { isPlain }) {
    this.#dice = new Dice(seed);
    this.#names = isPlain ? PLAIN_NAMES : NAMES;
  }

  chance(share) {
    return this.#dice.number() < share;
  }

  below(end) {
    return this.#dice.below(end);
  }

  /** Notes what was answered about a node. */
  learn(node) {
    if (node?.key === undefined) return;
    this.#known = this.#known.filter(({ key }) => key !== node.key);
    this.#known.push({ key: node.key, value: node.value, index: node.modifiedIndex });
    if (this.#known.length > REMEMBERED) this.#known.shift();
  }

  call() {
    const kinds = ['write', 'write', 'write', 'write', 'compare', 'remove', 'remove', 'create', 'read', 'read', 'raw'];
    const { method, args } = this[this.#pick(kinds)]();
    return { method, args, how: this.chance(0.2) ? 'Sync' : 'callback' };
  }

  write() {
    const key = this.#key();
    const options = {
      ...this.#conditions(key),
      ...this.#lifetime(),
      ...this.#some(0.1, { noValueOnSuccess: BOOLEANS }),
    };
    if (options.refresh) return this.#shaped('set', [key, this.#pick([null, null, null, 'v1'])], options);
    // A TTL of centuries wraps around: what exists would then end at once, whenever etcd gets to it.
    if (this.chance(0.02)) return { method: 'set', args: [key, 'v', { ttl: '9223372037' }] };
    if (this.chance(0.15)) return this.#shaped('mkdir', [key], options);
    return this.#shaped('set', [key, this.#pick(VALUES)], { ...options, ...this.#some(0.06, { dir: BOOLEANS }) });
  }

  compare() {
    const key = this.#key();
    const old = this.chance(0.6) ? this.#valueOf(key) : this.#pick(['v1', 'none']);
    if (this.chance(0.4)) return this.#shaped('compareAndDelete', [key, old], this.#some(0.2, { prevIndex: [1, 3] }));
    const options = { ...this.#lifetime(), ...this.#some(0.2, { prevIndex: [1, 3, this.#indexOf(key)] }) };
    return this.#shaped('compareAndSwap', [key, this.#pick(VALUES), old], options);
  }

  remove() {
    const key = this.#key();
    const options = { ...this.#some(0.3, { recursive: BOOLEANS }), ...this.#some(0.1, { noValueOnSuccess: BOOLEANS }) };
    if (this.chance(0.4)) return this.#shaped('rmdir', [key], options);
    const conditions = {
      ...this.#some(0.2, { dir: BOOLEANS }),
      ...this.#some(0.2, { prevIndex: [2, this.#indexOf(key)] }),
    };
    return this.#shaped('del', [key], { ...options, ...conditions });
  }

  create() {
    const ttl = this.#some(0.2, { ttl: [10_000] });
    const options = {
      ...ttl,
      ...this.#some(0.1, { dir: BOOLEANS }),
      ...this.#some(0.1, { noValueOnSuccess: BOOLEANS }),
    };
    return this.#shaped('create', [this.#key(), this.#pick(VALUES)], options);
  }

  read() {
    const options = { ...this.#some(0.5, { recursive: BOOLEANS }), ...this.#some(0.5, { sorted: BOOLEANS }) };
    return this.#shaped('get', [this.#key()], { ...options, ...this.#some(0.2, { quorum: BOOLEANS }) });
  }

  raw() {
    const path = `/v2/keys${this.#key().split('/').map(encodeURIComponent).join('/')}`;
    const query = this.chance(0.5) ? `?${this.#pick(ODD_QUERIES)}` : '';
    const value = this.#pick([undefined, 'v1', 'v2']);
    return { method: 'raw', args: [this.#pick(RAW_METHODS), path + query, value, {}] };
  }

  /** A poll, from one of several beginnings that there are when the servers are at an index. */
  poll(index) {
    const past = [1, 30, 300].map((back) => Math.max(1, index - this.below(back)));
    const key = this.chance(0.3) ? this.#pick(['/', '/a', '/b', '/ttl', '/ttl/d1', '/z']) : this.#key();
    const options = { ...this.#some(0.5, { recursive: [true, 'true'] }), ...this.#some(0.05, { quorum: [true] }) };
    if (this.chance(0.4)) return this.#shaped('watch', [key], options);
    const starts = [index + 1, index + 1 + this.below(20), ...past, Math.max(1, index - 995 - this.below(12)), 0];
    return this.#shaped('watchIndex', [key, this.#pick(starts)], options);
  }

  /** What a watcher is made with: it watches what cannot end with the directory that it is in. */
  watcher(index) {
    const key = this.chance(0.4) ? '/' : `/${this.#pick(this.#names)}`;
    return [key, Math.max(1, index + 1 - this.below(100)), { recursive: key === '/' || this.chance(0.5) }];
  }

  /** Nodes that end soon, some within others. */
  ending() {
    const calls = [];
    for (let left = 1 + this.below(5); left > 0; left--) {
      const directory = this.chance(0.5) ? `/ttl/d${this.below(3)}` : '/ttl';
      const key = `${directory}/${this.#pick(this.#names)}${this.below(3)}`;
      if (this.chance(0.7)) {
        calls.push({ method: 'set', args: [key, 'e', { ttl: 2 }] });
      } else {
        calls.push({ method: 'mkdir', args: [key, { ttl: 2 }] });
        if (this.chance(0.7)) calls.push({ method: 'set', args: [`${key}/${this.#pick(this.#names)}/in`, 'in', {}] });
      }
    }
    // What ends at once, does so before anything else is done.
    if (this.chance(0.3)) calls.push({ method: 'set', args: ['/ttl/now', 'e', { ttl: 0 }] });
    return calls;
  }

  /** So much, and all the same, that the servers forget what was before. */
  flood() {
    return Array.from({ length: FORGOTTEN }, () => ({ method: 'set', args: ['/flood', 'v', {}] }));
  }

  #pick(list) {
    return this.#dice.pick(list);
  }

  /** The call, now and then with something odd. */
  #shaped(method, args, options) {
    const odd = this.chance(0.06) ? this.#pick(ODD) : {};
    return { method, args: [...args, { ...options, ...odd }] };
  }

  /** One of the values for each name, at a chance. */
  #some(share, parameters) {
    if (!this.chance(share)) return {};
    return Object.fromEntries(Object.entries(parameters).map(([name, values]) => [name, this.#pick(values)]));
  }

  #key() {
    if (this.chance(0.45) && this.#known.length > 0) return this.#pick(this.#known).key;
    if (this.chance(0.03)) return '/';
    if (this.chance(0.02)) return `/deep${'/x'.repeat(this.below(DEEP))}`;
    const depth = 1 + this.below(this.chance(0.3) ? 5 : 3);
    return Array.from({ length: depth }, () => `/${this.#pick(this.#names)}`).join('');
  }

  #conditions(key) {
    return {
      ...this.#some(0.3, { prevExist: BOOLEANS }),
      ...this.#some(0.15, { prevValue: [this.#valueOf(key), 'v1', 'none'] }),
      ...this.#some(0.15, { prevIndex: [this.#indexOf(key), 1, 3, 0] }),
    };
  }

  #lifetime() {
    if (this.chance(0.08)) return { refresh: this.#pick([true, 'true', 'false']), ttl: 15_000 };
    return this.#some(0.15, { ttl: [10_000, 20_000, '', 1_000_000, 4_000_000_000] });
  }

  #find(name) {
    return this.#known.find(({ key }) => key === name);
  }

  #valueOf(key) {
    return this.#find(key)?.value || 'none';
  }

  #indexOf(key) {
    return this.#find(key)?.index ?? 1;
  }
}

module.exports = { Program };
