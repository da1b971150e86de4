'use strict';

// What etcd holds, as those see it who are no client of this package.

const { Buffer } = require('node:buffer');

/** The body of an answer of etcd's HTTP API. */
async function ask(url, init) {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

const leaves = ({ key, value, dir, nodes = [] }) => (dir ? nodes.flatMap(leaves) : [[key, value]]);

/** [key, value] of all below a directory by the v2 API. */
async function keysOfV2(url, directory) {
  const { node } = await ask(`${url}/v2/keys/${directory}?recursive=true&sorted=true`);
  return leaves(node);
}

/** The same of v3, where there are no directories, by the gateway that takes JSON. */
async function keysOfV3(url, directory) {
  const text = (base64 = '') => Buffer.from(base64, 'base64').toString();
  const base64 = (value) => Buffer.from(value).toString('base64');
  // All keys that begin with `/directory/`: `0` is the sign behind the slash.
  const body = JSON.stringify({ key: base64(`/${directory}/`), range_end: base64(`/${directory}0`) });
  const { kvs = [] } = await ask(`${url}/v3/kv/range`, { method: 'POST', body });
  return kvs.map(({ key, value }) => [text(key), text(value)]);
}

/** What is below a directory: [key, value] of each key, in order. */
const keysOf = (url, api, directory) => (api === 'v2' ? keysOfV2 : keysOfV3)(url, directory);

module.exports = { keysOf };
