'use strict';

// Trees as JSON: what the `load` of a store in memory takes.

const fs = require('node:fs');
const { connect, connectionOptions } = require('./connection');
const { EXIT, Exit, reasonOf, usage } = require('./exit');
const { HIDDEN, keyOf, keysOf, normal } = require('./keys');
const { makeDirectory } = require('./make-directory');
const { nodesBelow } = require('./nodes');
const { Parallel } = require('./parallel');

/** Requests under way at once. */
const REQUESTS = 64;

const DUMP = {
  arguments: '[KEY]',
  summary: 'print a tree as JSON',
  options: { ...connectionOptions(), ...HIDDEN },
  run: dump,
};

const LOAD = {
  arguments: '[FILE]',
  summary: 'write a tree that was printed by dump; without a file, from the standard input',
  options: connectionOptions(),
  run: load,
};

async function dump({ values, positionals, write, signal }) {
  const key = keyOf(positionals, '/');
  const etcd = await connect(values);
  let separator = '{\n';
  for (const top of [key, ...keysOf(values)]) {
    for await (const node of nodesBelow(etcd, top)) {
      if (signal.aborted) throw new Exit(EXIT.interrupted, 'interrupted');
      const entry = entryOf(node);
      if (entry === undefined) continue;
      await write(`${separator}  ${JSON.stringify(entry[0])}: ${JSON.stringify(entry[1])}`);
      separator = ',\n';
    }
  }
  await write(separator === '{\n' ? '{}\n' : '\n}\n');
  return EXIT.ok;
}

/** A directory is told of only if nothing else says that it is there. */
function entryOf({ key, dir, nodes, value, ttl: left }) {
  const ttl = left === undefined ? undefined : Math.max(left, 1);
  if (!dir) return [key, ttl === undefined ? value : { value, ttl }];
  if (key === undefined || (nodes?.length > 0 && ttl === undefined)) return undefined;
  return [`${key}/`, ttl === undefined ? {} : { ttl }];
}

async function load({ values, positionals, signal }) {
  const [file = 0, ...more] = positionals;
  if (more.length > 0) throw usage(`too many arguments: ${more.join(' ')}`);
  const entries = readTree(file);
  const etcd = await connect(values);
  // What a directory's time to live is must be known before there is something in it.
  const directories = entries.filter(({ dir }) => dir).sort((a, b) => a.key.length - b.key.length);
  for (const { key, ttl } of directories) await writing(key, () => makeDirectory(etcd, key, ttl));
  const work = new Parallel(REQUESTS);
  signal.addEventListener('abort', () => work.stop(new Exit(EXIT.interrupted, 'interrupted')));
  for (const { key, dir, value, ttl } of entries) {
    if (!dir) work.add(() => writing(key, () => etcd.set(key, value, ttl)));
  }
  await work.done();
  return EXIT.ok;
}

async function writing(key, write) {
  try {
    await write();
  } catch (error) {
    throw new Exit(EXIT.failed, `${key} cannot be written: ${reasonOf(error)}`);
  }
}

function readTree(file) {
  let tree;
  try {
    tree = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw usage(`no tree can be read: ${error.message}`);
  }
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree))
    throw usage('a tree is an object of keys and values');
  return Object.entries(tree).map(readEntry);
}

function readEntry([key, given]) {
  const { value, ttl } = typeof given === 'string' ? { value: given } : (given ?? {});
  const dir = key.endsWith('/');
  if (!dir && typeof value !== 'string') throw usage(`${key}: expected a text, or an object with a text as its value`);
  if (dir && value !== undefined) throw usage(`${key}: a directory has no value`);
  if (ttl !== undefined && !(ttl > 0)) throw usage(`${key}: ttl is not a number of seconds`);
  return { key: normal(key), dir, value, ttl: ttl === undefined ? {} : { ttl: Math.ceil(ttl) } };
}

module.exports = { DUMP, LOAD };
