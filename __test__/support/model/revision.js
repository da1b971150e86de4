'use strict';

// What v2 tells of one revision of v3, by the layout that docs/stores.md describes: how the recorder of v3 reads what etcd
// itself says of its keys.

const decode = (text = '') => Buffer.from(text, 'base64').toString();
const number = (text = '0') => Number(text);

/** What is told of nobody: a note that a lease or a lock was moved, or that a directory was made on the way. */
const SILENT = new Set(['refresh', 'implied', 'post']);

function kindOf(key) {
  if (key.endsWith('//')) return ['sides', key.slice(0, -2)];
  return key.endsWith('/') ? ['markers', key.slice(0, -1)] : ['files', key];
}

/** A key's state: what it held, when it was written, and its lease. */
const stateOf = (kv) => ({
  value: decode(kv.value),
  created: number(kv.create_revision),
  modified: number(kv.mod_revision),
  isLeased: number(kv.lease) !== 0,
});

/** The keys that changed, by what they are and the path of their node: { files, markers, sides }, of { put, before }. */
function sorted(events) {
  const changes = { files: new Map(), markers: new Map(), sides: new Map() };
  for (const { type, kv, prev_kv: before } of events) {
    const [kind, path] = kindOf(decode(kv.key));
    changes[kind].set(path, { put: type === 'DELETE' ? undefined : stateOf(kv), before: before && stateOf(before) });
  }
  return changes;
}

const noteOf = (state) => (state?.value ? JSON.parse(state.value) : {});

/** v2's text of a time. */
const timeOf = (milliseconds) => new Date(milliseconds).toISOString().replace(/\.?0+Z$/, 'Z');
const expiry = ({ e }) => (e === undefined ? {} : { expiration: timeOf(e) });

/** A file; its side key counts if it was written together with it. */
function file(key, state, side) {
  const note = side?.modified === state.modified ? noteOf(side) : {};
  const modifiedIndex = note.m ?? state.modified;
  const node = { key, value: state.value, ...expiry(note), modifiedIndex, createdIndex: note.c ?? modifiedIndex };
  return { node, note };
}

/** A directory: what happens in it does not change it. */
function directory(key, marker) {
  const note = noteOf(marker);
  const node = { key, dir: true, ...expiry(note), modifiedIndex: marker.created, createdIndex: marker.created };
  return { node, note };
}

const isBelow = (path, directory) => path.startsWith(`${directory}/`);

/** The only one of several that may be told. */
function only(told) {
  if (told.length > 1) throw new Error(`Several events in one revision: ${JSON.stringify(told)}`);
  return told[0];
}

/** What was put, unless nobody is told of it. */
function written({ files, markers, sides }, revision) {
  const told = [];
  const tell = ({ node, note }, previous) => {
    if (SILENT.has(note.a)) return;
    const action = note.a ?? 'set';
    const prevNode = action === 'create' ? undefined : previous?.node;
    told.push({ action, node: { ...node, modifiedIndex: revision }, ...(prevNode && { prevNode }) });
  };
  const fileBefore = (path) => {
    const before = files.get(path)?.before;
    return before && file(path, before, sides.get(path)?.before);
  };
  for (const [path, { put }] of files) if (put) tell(file(path, put, sides.get(path)?.put), fileBefore(path));
  for (const [path, { put, before }] of markers) {
    if (put) tell(directory(path, put), before ? directory(path, before) : fileBefore(path));
  }
  return only(told);
}

/** What was removed: a directory alone, and not what was in it. */
function removed({ files, markers, sides }, revision) {
  const gone = (changes) => [...changes].filter(([, { put }]) => !put).map(([path, { before }]) => [path, before]);
  const directories = gone(markers);
  const isTop = ([path]) => !directories.some(([other]) => isBelow(path, other));
  const told = [
    ...directories.map(([path, before]) => [path, before, directory(path, before)]),
    ...gone(files).map(([path, before]) => [path, before, file(path, before, sides.get(path)?.before)]),
  ].filter(isTop);
  if (told.length === 0) return undefined;
  const [path, before, { node: prevNode }] = only(told);
  const said = noteOf(sides.get(path)?.put).a;
  const { value: _, expiration: __, ...rest } = prevNode;
  const action = said ?? (before.isLeased ? 'expire' : 'delete');
  return { action, node: { ...rest, modifiedIndex: revision }, prevNode };
}

/** The event of v2 that the changes of a revision, made through v2's model, are; undefined if nobody is told of them. */
function eventOf(events) {
  const changes = sorted(events);
  const revision = number(events[0].kv.mod_revision);
  return written(changes, revision) ?? removed(changes, revision);
}

/** Of etcd's events those of one revision each, in order. */
function revisionsOf(events) {
  const revisions = new Map();
  for (const event of events) {
    const list = revisions.get(event.kv.mod_revision) ?? [];
    revisions.set(event.kv.mod_revision, [...list, event]);
  }
  return [...revisions.values()];
}

module.exports = { eventOf, revisionsOf };
