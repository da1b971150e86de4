'use strict';

// Which of etcd's events a watch sees, and whether it saw them: the model which the watcher is held against.

const REMOVALS = new Set(['delete', 'compareAndDelete', 'expire']);

const isBelow = (key, directory) => key.startsWith(directory === '/' ? '/' : `${directory}/`) && key !== directory;
const isHidden = (key, directory) => key.slice(directory.length - 1).includes('/_');

/**
 * Whether a watch of { key, recursive } sees this event: 'always', 'never', or 'perhaps', where etcd's answer depends
 * on whether the event was waited for or came out of the history. `keys` are those that were there before.
 */
function sees({ key, recursive }, { action, node }, keys) {
  if (node.key === key) return 'always';
  if (isBelow(node.key, key)) return recursive && !isHidden(node.key, key) ? 'always' : 'never';
  if (isBelow(key, node.key) && REMOVALS.has(action)) return keys.has(key) ? 'always' : 'perhaps';
  return 'never';
}

/** Changes `keys` as the event changed the store. */
function apply({ action, node }, keys) {
  if (!REMOVALS.has(action)) {
    for (let key = node.key; key !== ''; key = key.slice(0, key.lastIndexOf('/'))) keys.add(key);
    return;
  }
  for (const key of keys) if (key === node.key || isBelow(key, node.key)) keys.delete(key);
}

/** What of the history a watch sees, from an index on: [{ event, sight }]. */
function visible(watch, from, history) {
  const keys = new Set();
  const list = [];
  for (const event of history) {
    const sight = sees(watch, event, keys);
    apply(event, keys);
    if (sight !== 'never' && event.node.modifiedIndex >= from) list.push({ event, sight });
  }
  return list;
}

/** An event without what etcd counts anew after a restart. */
function lasting({ action, node, prevNode }) {
  const { ttl: _, ...rest } = node;
  const { ttl: __, ...before } = prevNode ?? {};
  return JSON.stringify([action, rest, before]);
}

/** How many events etcd keeps on v2. */
const HISTORY = 1000;

/** Whether etcd had forgotten an index: on v3 what is before a compaction. */
const isForgotten = (index, { resync, compacted }) =>
  compacted === undefined ? resync - index >= HISTORY : index < compacted;

/**
 * Whether an event is the removal of the watched key itself, where that of a directory above it would be right: after a
 * compaction on v3 nobody can tell any more what there was (docs/stores.md).
 */
const isOfForgottenDirectory = ({ key }, { node }, { action, node: own, compacted }) =>
  compacted >= node.modifiedIndex && REMOVALS.has(action) && own.key === key && isBelow(key, node.key);

/**
 * Whether an event of the revision of a compaction lacks what was before, which etcd has forgotten by then: the node's
 * createdIndex, the prevNode's content, and that it was an end by a TTL (docs/stores.md).
 */
const isWithoutPast = ({ action, node }, { action: told, node: own, prevNode, compacted }) =>
  compacted >= node.modifiedIndex &&
  own.key === node.key &&
  own.value === node.value &&
  prevNode?.modifiedIndex === undefined &&
  told === (action === 'expire' ? 'delete' : action);

/**
 * Holds what a watcher emitted, a list of events and of { resync: index }, against the history. On v3 each also says what
 * was `compacted` by then. Returns what is wrong with it, as texts.
 */
function judge(watch, from, emitted, history) {
  const wrong = [];
  const expected = visible(watch, from, history);
  const indexOf = ({ event }) => event.node.modifiedIndex;
  let next = from;
  const skip = (isBefore, isExcused) => {
    while (expected.length > 0 && isBefore(indexOf(expected[0]))) {
      const { event, sight } = expected.shift();
      if (sight === 'always' && !isExcused)
        wrong.push(`${event.node.modifiedIndex} (${event.action} ${event.node.key}) is lost`);
    }
  };
  for (const entry of emitted) {
    if (entry.resync !== undefined) {
      if (!isForgotten(next, entry)) wrong.push(`resync to ${entry.resync}, though ${next} was in the history`);
      skip((index) => index < entry.resync, true);
      next = entry.resync;
      continue;
    }
    const index = entry.node.modifiedIndex;
    if (index < next) {
      wrong.push(`${index} came after ${next - 1}`);
      continue;
    }
    skip((other) => other < index);
    const found = expected.length > 0 && indexOf(expected[0]) === index ? expected.shift() : undefined;
    if (!found) wrong.push(`${index} (${entry.action} ${entry.node.key}) is not for this watch`);
    else if (lasting(found.event) !== lasting(entry)) {
      const isForgiven = isOfForgottenDirectory(watch, found.event, entry) || isWithoutPast(found.event, entry);
      if (!isForgiven) wrong.push(`${index} was ${lasting(found.event)}, not ${lasting(entry)}`);
    }
    next = index + 1;
  }
  skip(() => true);
  return wrong;
}

module.exports = { HISTORY, judge, sees, visible };
