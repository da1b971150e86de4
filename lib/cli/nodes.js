'use strict';

// Reading nodes, and comparing two trees directory by directory, so that no more of them is in memory than is looked at.

const { Parallel } = require('./parallel');

/** Requests under way at once: as many as keep an etcd busy. */
const REQUESTS = 64;
/** Seconds by which the time left may differ: each store counts whole ones from a moment of its own. */
const TTL_TOLERANCE = 1;

const KEY_NOT_FOUND = 100;
const NOT_A_FILE = 102;
const NOT_A_DIRECTORY = 104;
const RAFT_INTERNAL = 300;

/** A node with its time to live: servers leave it out when it is 0, though the node does not stay. */
const timed = (node) => (node.expiration !== undefined && node.ttl === undefined ? { ...node, ttl: 0 } : node);

/** The node of a key, a directory with its children, or undefined if there is none. */
async function readNode(etcd, key, options) {
  try {
    const { node } = await etcd.get(key, options);
    return node.nodes === undefined ? timed(node) : { ...timed(node), nodes: node.nodes.map(timed) };
  } catch (error) {
    // Below a file, there is nothing.
    if (error.errorCode === KEY_NOT_FOUND || error.errorCode === NOT_A_DIRECTORY) return undefined;
    throw error;
  }
}

/** The index of a store: of a key that cannot be listed, which is the least to ask for, and the user's own right to ask. */
async function readIndex(etcd, key) {
  const token = etcd.get(`${key}/_`);
  try {
    await token;
    return Number(token.headers['x-etcd-index']);
  } catch (error) {
    if (error.errorCode === KEY_NOT_FOUND || error.errorCode === NOT_A_DIRECTORY) return error.error.index;
    throw error;
  }
}

/** All nodes at and below a key, each directory before its children, in order. */
async function* nodesBelow(etcd, key) {
  const node = await readNode(etcd, key, { sorted: true });
  if (node === undefined) return;
  yield node;
  for (const child of node.nodes ?? []) {
    if (child.dir) yield* nodesBelow(etcd, child.key);
    else yield child;
  }
}

/** What is unlike in two nodes, of which one may be missing; undefined if nothing is. */
function unlikeness(from, to, tolerance) {
  if (from === undefined) return to && 'extra';
  if (to === undefined) return 'missing';
  if (Boolean(from.dir) !== Boolean(to.dir)) return 'kind';
  if (!from.dir && from.value !== to.value) return 'value';
  const [a, b] = [from.ttl ?? Number.POSITIVE_INFINITY, to.ttl ?? Number.POSITIVE_INFINITY];
  return a !== b && !(Math.abs(a - b) <= tolerance) ? 'ttl' : undefined;
}

/** A node that was read at that time, with the time that is left to it now. */
function aged(node, read) {
  if (node?.ttl === undefined) return node;
  return { ...node, ttl: Math.max(node.ttl - Math.round((performance.now() - read) / 1000), 1) };
}

/**
 * Compares the trees of two stores.
 *
 * `visitor.differs(what, key, from, to)` is told what is unlike, and may change it: the children are looked at after that;
 * `visitor.visits(key, from)`, if it is there, is told of every node of the first.
 */
class Comparison {
  #stores;
  #visitor;
  #tolerance;
  #work = new Parallel(REQUESTS);

  constructor(from, to, visitor, tolerance = TTL_TOLERANCE) {
    this.#stores = { from, to };
    this.#visitor = visitor;
    this.#tolerance = tolerance;
  }

  /** Directories and keys that are known and not compared yet. */
  get left() {
    return this.#work.left;
  }

  /** Begins nothing more: the run rejects with this error when what is under way has ended. */
  stop(error) {
    this.#work.stop(error);
  }

  /** Compares at and below keys. Resolves with whether the first store has any of them. */
  async run(keys) {
    let found = false;
    for (const key of keys) {
      this.#work.add(async () => {
        const [from, to] = await this.#read(key, true);
        if (from !== undefined) found = true;
        const isAlike = await this.#compareNodes(key, from, to);
        this.#compareChildren(from, isAlike || !from?.dir ? to : await readNode(this.#stores.to, key));
      });
    }
    await this.#work.done();
    return found;
  }

  /** Resolves with whether the nodes are alike. */
  async #compareNodes(key, from, to) {
    if (from !== undefined) this.#visitor.visits?.(key, from);
    const what = unlikeness(from, to, this.#tolerance);
    if (what !== undefined) await this.#visitor.differs(what, key, from, to);
    return what === undefined;
  }

  #compareChildren(from, to) {
    // A directory may have gone, or have become a file, since it was listed: who follows the changes is told of that.
    if (!from?.dir) return;
    const read = performance.now();
    const others = new Map((to?.nodes ?? []).map((node) => [node.key, node]));
    for (const node of from.nodes ?? []) {
      this.#addChild(node.key, node, others.get(node.key), read);
      others.delete(node.key);
    }
    for (const [key, node] of others) this.#addChild(key, undefined, node, read);
  }

  #addChild(key, from, to, read) {
    this.#work.add(async () => {
      await this.#compareNodes(key, aged(from, read), aged(to, read));
      // A listing gives directories without their children.
      if (from?.dir) this.#compareChildren(...(await this.#read(key, to?.dir)));
    });
  }

  /** The node of both stores; what the second one is known to lack is not asked for. */
  #read(key, isInBoth) {
    return Promise.all([readNode(this.#stores.from, key), isInBoth ? readNode(this.#stores.to, key) : undefined]);
  }
}

module.exports = {
  Comparison,
  KEY_NOT_FOUND,
  NOT_A_DIRECTORY,
  NOT_A_FILE,
  RAFT_INTERNAL,
  nodesBelow,
  readIndex,
  readNode,
  timed,
};
