'use strict';

// What changes in the source while it is copied, and after.

const { EXIT, Exit } = require('./exit');
const { literal } = require('./literal-etcd');
const { NOT_A_DIRECTORY, NOT_A_FILE, readIndex } = require('./nodes');

/** What a copy may have left to do when it begins to apply changes one by one: more is done faster many at a time. */
const FEW = 256;
/** What a write meets where a directory is instead of a key, or a key instead of a directory. */
const CONFLICTS = new Set([NOT_A_DIRECTORY, NOT_A_FILE]);
const REMOVALS = new Set(['delete', 'compareAndDelete', 'expire']);

/**
 * First it notes which keys changed, so that the copy can look at them again; then it applies each change, in order.
 * Nothing is lost in between, as one watcher gives both.
 */
class Follower {
  #key;
  #from;
  #replica;
  #watchers;
  #loops;
  /** The keys that changed, and whether any of their changes was a removal; undefined once changes are applied. */
  #changed = new Map();
  #settled;
  #settle;
  #force;
  #lost;
  /** Up to this index, what changed may have been copied before it is applied. */
  #copiedTo;
  /** The index of the last change that was applied, and how many were. */
  index;
  applied = 0;
  lastChange = performance.now();

  /** Watches from an index on. */
  constructor(from, keys, index, replica, force) {
    this.#from = from;
    this.#replica = replica;
    this.#force = force;
    this.index = index;
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#key = keys[0];
    this.#watchers = keys.map((key) => from.watcher(literal(key), index + 1, { recursive: true }));
    this.#loops = Promise.all(this.#watchers.map((watcher, i) => this.#follow(keys[i], watcher)));
    // Who waits for the end is told; until then nobody may be waiting.
    this.#lost = this.#loops.catch(() => {});
  }

  /** Copies again what changed meanwhile, until little is left of that, and then goes on in order. */
  async catchUp() {
    for (;;) {
      const changed = this.#changed;
      const isLast = changed.size <= FEW;
      this.#changed = isLast ? undefined : new Map();
      const keys = [...changed.keys()];
      await this.#replica.copy(keys.filter((key) => !changed.get(key)));
      await this.#replica.copy(
        keys.filter((key) => changed.get(key)),
        { removesExtra: true },
      );
      if (isLast) break;
    }
    this.#copiedTo = await readIndex(this.#from, this.#key);
    this.#settle();
  }

  /** Rejects when changes are lost or cannot be applied; resolves when it was stopped and the change under way is done. */
  ended() {
    return this.#loops;
  }

  async stop() {
    for (const watcher of this.#watchers) watcher.stop();
    await this.#lost;
  }

  async #follow(key, watcher) {
    try {
      for await (const event of watcher) await this.#take(event);
    } catch (error) {
      if (error instanceof Exit) throw error;
      throw new Exit(EXIT.diverged, `changes of ${key} were lost: ${error.message}`);
    }
  }

  async #take(event) {
    this.lastChange = performance.now();
    const { key } = event.node;
    if (this.#changed !== undefined) {
      const isRemoval = REMOVALS.has(event.action) || this.#changed.get(key) === true;
      this.#changed.set(key, isRemoval);
      return;
    }
    await this.#settled;
    await this.#apply(event);
    this.index = Math.max(this.index, event.node.modifiedIndex);
    this.applied += 1;
  }

  async #apply(change) {
    const isSettled = change.node.modifiedIndex > this.#copiedTo;
    try {
      const reply = await this.#repeat(change);
      if (this.#force || !isSettled || isExpected(reply?.prevNode, change)) return;
    } catch (error) {
      if (!CONFLICTS.has(error.cause?.errorCode)) throw error;
      // What was copied is newer than this change; those that led to it follow.
      if (!isSettled) return;
      if (this.#force) {
        await this.#replica.copy([change.node.key], { removesExtra: true });
        return;
      }
    }
    throw new Exit(EXIT.diverged, `${change.node.key} was changed by others in the target (--force goes on)`);
  }

  #repeat({ action, node }) {
    return REMOVALS.has(action) ? this.#replica.remove(node.key) : this.#replica.write(node.key, node);
  }
}

/** Whether what a change replaced in the target is what it replaced in the source. */
function isExpected(there, { prevNode, node }) {
  // What ends by itself may have ended here and not there.
  if (there?.ttl !== undefined || prevNode?.ttl !== undefined) return true;
  if (there?.dir || prevNode?.dir || node.dir) return true;
  // A write whose reply was lost is sent again, and meets itself.
  return there?.value === prevNode?.value || there?.value === node.value;
}

module.exports = { Follower };
