'use strict';

// What changes in the source while it is copied, and after.

const { EXIT, Exit } = require('./exit');
const { KeyedWork } = require('./keyed-work');
const { isAtOrBelow } = require('./keys');
const { literal } = require('./literal-etcd');
const { NOT_A_DIRECTORY, NOT_A_FILE, readIndex, timed } = require('./nodes');
const { isRefusedTtl } = require('./replica');

/**
 * How many keys may be left to copy when changes begin to be applied: those of the meantime wait in the watchers, which
 * hold ten times as many.
 */
const FEW = 10_000;
/** What a write meets where a directory is instead of a key, or a key instead of a directory. */
const CONFLICTS = new Set([NOT_A_DIRECTORY, NOT_A_FILE]);
const REMOVALS = new Set(['delete', 'compareAndDelete', 'expire']);

/**
 * First it notes which keys changed, so that the copy can look at them again; then it applies each change, in order where
 * one rests on another. Nothing is lost in between, as one watcher gives both.
 */
class Follower {
  #key;
  #from;
  #replica;
  #watchers;
  #ended;
  #work = new KeyedWork();
  /** The keys that changed, and whether any of their changes was a removal; undefined once changes are applied. */
  #changed = new Map();
  #settled;
  #settle;
  #force;
  /** Up to this index, what changed may have been copied before it is applied. */
  #copiedTo;
  /** The index of the last change that was taken. */
  #taken;
  #lastChange = performance.now();
  /** How many changes were applied. */
  applied = 0;

  /** Watches from an index on. */
  constructor(from, keys, index, replica, force) {
    this.#from = from;
    this.#key = keys[0];
    this.#replica = replica;
    this.#force = force;
    this.#taken = index;
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#watchers = keys.map((key) => from.watcher(literal(key), index + 1, { recursive: true }));
    const loops = Promise.all(this.#watchers.map((watcher, i) => this.#follow(keys[i], watcher)));
    this.#ended = Promise.race([loops.then(() => this.#work.done()), this.#work.failed]);
    // Who waits for the end is told; until then nobody may be waiting.
    this.#ended.catch(() => {});
  }

  /** The index up to which every change was applied. */
  get index() {
    const { oldest } = this.#work;
    return oldest === undefined ? this.#taken : oldest - 1;
  }

  /** For how many milliseconds nobody has written, and all is applied. */
  get idleTime() {
    return this.#work.isIdle ? performance.now() - this.#lastChange : 0;
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

  /** Does something with a key between two of its changes. Resolves when there was room for it. */
  async between(key, work) {
    await this.#work.add(key, work);
  }

  /** Makes a key, and what is below it, as it is in the source now; for work that has its turn. */
  async copyAgain(key) {
    await this.#replica.copy([key], { removesExtra: true });
    this.#copiedTo = Math.max(this.#copiedTo, await readIndex(this.#from, this.#key));
  }

  /** Rejects when changes are lost or cannot be applied; resolves when it was stopped and what was begun is done. */
  ended() {
    return this.#ended;
  }

  /** Takes no more changes. Settles as `ended`. */
  async stop() {
    for (const watcher of this.#watchers) watcher.stop();
    await this.#ended;
  }

  async #follow(watched, watcher) {
    try {
      for await (const event of watcher) await this.#take(event, watched);
    } catch (error) {
      if (error instanceof Exit) throw error;
      throw new Exit(EXIT.diverged, `changes of ${watched} were lost: ${error.message}`);
    }
  }

  async #take(change, watched) {
    // What ends by itself is nobody's writing.
    if (change.action !== 'expire') this.#lastChange = performance.now();
    const { key, modifiedIndex } = change.node;
    // What was removed may hold the key that is watched: of the rest nobody has spoken.
    const isAbove = !isAtOrBelow(key, watched);
    const at = isAbove ? watched : key;
    if (this.#changed !== undefined) {
      this.#changed.set(at, isRemoval(change) || this.#changed.get(at) === true);
      return;
    }
    await this.#settled;
    await this.#work.add(at, () => (isAbove ? this.copyAgain(at) : this.#apply(change)), modifiedIndex);
    this.#taken = Math.max(this.#taken, modifiedIndex);
    this.applied += 1;
  }

  async #apply(change) {
    const { key, modifiedIndex } = change.node;
    const isSettled = modifiedIndex > this.#copiedTo;
    try {
      const reply = await this.#repeat(change);
      if (!this.#force && isSettled && !isExpected(reply?.prevNode, change)) throw changedByOthers(key);
    } catch (error) {
      if (isRefusedTtl(error, change.node)) return await this.copyAgain(key);
      if (!CONFLICTS.has(error.cause?.errorCode)) throw error;
      if (this.#force) return await this.copyAgain(key);
      // Else what was copied is newer than this change, and those that led to it follow.
      if (isSettled) throw changedByOthers(key);
    }
  }

  async #repeat(change) {
    const { key } = change.node;
    if (!isRemoval(change)) return await this.#replica.write(key, timed(change.node));
    const reply = await this.#replica.remove(key);
    // The watchers of other keys may be ahead, and what they told of is removed with the directory.
    for (const hidden of this.#replica.hiddenBelow(key)) await this.copyAgain(hidden);
    return reply;
  }
}

const isRemoval = ({ action }) => REMOVALS.has(action);

const changedByOthers = (key) =>
  new Exit(EXIT.diverged, `${key} was changed by others in the target (--force goes on)`);

/** Whether what a change replaced in the target is what it replaced in the source. */
function isExpected(there, { prevNode, node }) {
  // What ends by itself may have ended here and not there.
  if (there?.expiration !== undefined || prevNode?.expiration !== undefined) return true;
  if (there?.dir || prevNode?.dir || node.dir) return true;
  // A write whose reply was lost is sent again, and meets itself.
  return there?.value === prevNode?.value || there?.value === node.value;
}

module.exports = { Follower };
