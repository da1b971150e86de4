'use strict';

const { judge } = require('./watch-model');

const ACTIONS = ['set', 'create', 'update', 'compareAndSwap', 'delete', 'compareAndDelete', 'expire'];

/** Milliseconds within which a watcher must notice that a connection is dead. */
const LIVENESS = 1200;

/** A watcher, and what it emitted. */
class Follower {
  /** Events, and { resync: index }; on v3 with what was `compacted` by then. */
  emitted = [];
  counts = { reconnect: 0, resync: 0, error: 0 };
  #changes = [];
  /** The events once more, by the names of their actions. */
  #acted = [];

  /** `compacted` tells what was compacted until now, on v3. */
  constructor(etcd, watch, index, compacted) {
    this.watch = watch;
    this.from = index;
    const options = { recursive: watch.recursive === true, liveness: LIVENESS };
    this.watcher = etcd.watcher(watch.key, index, options);
    this.watcher.on('change', (body) => {
      this.#changes.push(body);
      this.emitted.push({ ...body, compacted: compacted() });
    });
    this.watcher.on('resync', (err) => this.emitted.push({ resync: err.error.index, compacted: compacted() }));
    for (const action of ACTIONS) this.watcher.on(action, (body) => this.#acted.push(body));
    for (const name of Object.keys(this.counts)) this.watcher.on(name, () => ++this.counts[name]);
  }

  /** Without an index the watch begins at its registration. */
  get isRegistered() {
    this.from ??= this.watcher.index;
    return this.from !== null;
  }

  /** The last index that it is known to have passed. */
  get position() {
    return this.isRegistered ? this.watcher.index - 1 : Number.POSITIVE_INFINITY;
  }

  /** What is wrong with what was emitted of this history, which ends at the index `last`. */
  judge(history, last) {
    const emitted = this.emitted.filter(({ resync, node }) => resync !== undefined || node.modifiedIndex <= last);
    // An event may have come before anybody could see the index of the registration.
    if (this.isLate && emitted[0]?.node) this.from = Math.min(this.from, emitted[0].node.modifiedIndex);
    const wrong = judge(this.watch, this.from, emitted, history);
    const changes = this.#changes;
    if (changes.length !== this.#acted.length || changes.some((body, at) => body !== this.#acted[at])) {
      wrong.push('change and the events of actions differ');
    }
    const { key, recursive } = this.watch;
    return wrong.map((text) => `${key}${recursive ? ' (recursive)' : ''} from ${this.from}: ${text}`);
  }

  stop() {
    this.watcher.stop();
  }
}

module.exports = { Follower };
