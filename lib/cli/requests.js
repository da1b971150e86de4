'use strict';

// get, ls, set, mk, mkdir and rm, as etcdctl had them for v2.

const fs = require('node:fs');
const { connect, connectionOptions } = require('./connection');
const { EXIT, usage } = require('./exit');
const { keyOf } = require('./keys');

const OUTPUT = { output: { value: 'FORMAT', short: 'o', help: 'simple, or json: the whole reply' } };
const TTL = { ttl: { value: 'SECONDS', help: 'when it ends by itself' } };
const RECURSIVE = { recursive: { short: 'r', help: 'with everything below it' } };
const QUORUM = { quorum: { short: 'q', help: 'as the whole cluster has agreed on, not as one member knows it' } };

/** A command that sends one request and prints what came back. */
function request({ options, send, show = showValue, ...command }) {
  return {
    ...command,
    options: { ...connectionOptions(), ...OUTPUT, ...options },
    run: async ({ values, positionals, print }) => {
      const prepared = send(values, positionals);
      const body = await prepared(await connect(values));
      if (values.output === 'json') print(JSON.stringify(body));
      else show(body, print, values);
      return EXIT.ok;
    },
  };
}

const showValue = ({ node }, print) => {
  if (!node.dir) print(node.value);
};

function showNames({ node }, print, { p: marks }) {
  if (!node.dir) print(node.key);
  const below = (nodes = []) => {
    for (const child of nodes) {
      print(child.dir && marks ? `${child.key}/` : child.key);
      below(child.nodes);
    }
  };
  below(node.nodes);
}

const showRemoved = ({ node, prevNode }, print) => {
  if (!node.dir) print(`PrevNode.Value: ${prevNode?.value ?? ''}`);
};

const GET = request({
  arguments: 'KEY',
  summary: 'print the value of a key',
  options: QUORUM,
  send: ({ quorum }, positionals) => {
    const key = keyOf(positionals);
    return (etcd) => etcd.get(key, given({ quorum }));
  },
  show: ({ node }, print) => {
    if (node.dir) throw usage(`${node.key}: is a directory`);
    print(node.value);
  },
});

const LS = request({
  arguments: '[KEY]',
  summary: 'print the names in a directory',
  options: {
    ...RECURSIVE,
    ...QUORUM,
    sort: { help: 'in order' },
    p: { short: 'p', help: 'with a slash behind directories' },
  },
  send: ({ recursive, quorum, sort: sorted }, positionals) => {
    const key = keyOf(positionals, '/');
    return (etcd) => etcd.get(key, given({ recursive, quorum, sorted }));
  },
  show: showNames,
});

const SET = request({
  arguments: 'KEY [VALUE]',
  summary: 'set a key; without a value, to what the standard input says',
  options: {
    ...TTL,
    'swap-with-value': { value: 'VALUE', help: 'only if it has this value' },
    'swap-with-index': { value: 'INDEX', help: 'only if it has this modifiedIndex' },
  },
  send: (values, positionals) => {
    const { key, value } = keyAndValue(positionals);
    const conditions = { prevValue: values['swap-with-value'], prevIndex: values['swap-with-index'] };
    return (etcd) => etcd.set(key, value, given({ ttl: values.ttl, ...conditions }));
  },
});

const MK = request({
  arguments: 'KEY [VALUE]',
  summary: 'make a key that does not exist yet; without a value, of what the standard input says',
  options: { ...TTL, 'in-order': { help: 'below the directory KEY, with a name that is higher than all before' } },
  send: ({ ttl, 'in-order': inOrder }, positionals) => {
    const { key, value } = keyAndValue(positionals);
    if (inOrder) return (etcd) => etcd.create(key, value, given({ ttl }));
    return (etcd) => etcd.set(key, value, given({ ttl, prevExist: false }));
  },
});

const MKDIR = request({
  arguments: 'KEY',
  summary: 'make a directory that does not exist yet',
  options: TTL,
  send: ({ ttl }, positionals) => {
    const key = keyOf(positionals);
    return (etcd) => etcd.mkdir(key, given({ ttl, prevExist: false }));
  },
});

const RM = request({
  arguments: 'KEY',
  summary: 'remove a key or a directory',
  options: {
    ...RECURSIVE,
    dir: { help: 'also an empty directory' },
    'with-value': { value: 'VALUE', help: 'only if it has this value' },
    'with-index': { value: 'INDEX', help: 'only if it has this modifiedIndex' },
  },
  send: ({ recursive, dir, 'with-value': prevValue, 'with-index': prevIndex }, positionals) => {
    const key = keyOf(positionals);
    return (etcd) => etcd.del(key, given({ recursive, dir, prevValue, prevIndex }));
  },
  show: showRemoved,
});

function keyAndValue([key, value, ...more]) {
  if (more.length > 0) throw usage(`too many arguments: ${more.join(' ')}`);
  return { key: keyOf(key === undefined ? [] : [key]), value: value ?? fs.readFileSync(0, 'utf8') };
}

/** Options without those that were not given. */
const given = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

module.exports = { GET, LS, MK, MKDIR, OUTPUT, RECURSIVE, RM, SET };
