'use strict';

// A copy of a directory of etcd that follows it. live-configuration.js, service-registry.js, leader-election.js and
// work-queue.js stand on it.

const { EventEmitter } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');

const REMOVALS = ['delete', 'expire', 'compareAndDelete'];
const ALL = { recursive: true };

const leaves = ({ key, value, dir, nodes = [] }) => (dir ? nodes.flatMap(leaves) : [[key, value]]);

/** The values that a reply holds, and etcd's index at that time. A directory that is not there yet is an empty one. */
function contentOf({ err, body, headers }) {
  if (err?.errorCode === 100) return { values: new Map(), index: err.error.index };
  if (err) throw err;
  return { values: new Map(leaves(body.node)), index: Number(headers['x-etcd-index']) };
}

/** Emits `change` with the key, its value (undefined if it is gone) and the value before. */
class LiveDirectory extends EventEmitter {
  /** By the whole key, as etcd writes it: `/configuration/log-level`. */
  values = new Map();
  #closed = false;

  constructor(etcd, directory) {
    super();
    this.etcd = etcd;
    this.directory = directory;
    // This blocks the thread, so that all is there before the program's next line.
    this.#follow(contentOf(etcd.getSync(directory, ALL)));
  }

  close() {
    this.#closed = true;
    this.watcher.stop();
  }

  /** The watcher begins right behind what was read: no change is missed, and none comes twice. */
  #follow({ values, index }) {
    for (const key of new Set([...this.values.keys(), ...values.keys()])) this.#put(key, values.get(key));
    this.watcher = this.etcd.watcher(this.directory, index + 1, ALL);
    this.watcher.on('change', (change) => this.#apply(change));
    // Changes are lost, because etcd has forgotten them or was restored: what is there now has to be read.
    this.watcher.once('resync', () => this.#readAgain());
  }

  async #readAgain() {
    this.watcher.stop();
    while (!this.#closed) {
      const reply = await new Promise((resolve) => {
        this.etcd.get(this.directory, ALL, (err, body, headers) => resolve({ err, body, headers }));
      });
      const isAnswer = !reply.err || reply.err.errorCode === 100;
      if (isAnswer && !this.#closed) return this.#follow(contentOf(reply));
      await sleep(1000); // etcd cannot be reached; the copy is as old as the last change until it can
    }
  }

  #apply({ action, node }) {
    if (!REMOVALS.includes(action)) return this.#put(node.key, node.dir ? undefined : node.value);
    // A directory goes with all that is in it, and that is one event. It can be one above ours, too.
    const isGone = (key) => key === node.key || key.startsWith(`${node.key}/`);
    for (const key of [...this.values.keys()].filter(isGone)) this.#put(key, undefined);
  }

  #put(key, value) {
    const before = this.values.get(key);
    if (value === before) return;
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
    this.emit('change', key, value, before);
  }
}

module.exports = { LiveDirectory };
