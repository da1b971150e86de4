#!/usr/bin/env node
'use strict';

// Whether the addon loads and talks, with nothing but itself: for systems that have no etcd.

const assert = require('node:assert');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const Etcd = require('..');
const { main, say } = require('./command');

/** Answers as etcd does; in a thread of its own, since a Sync call blocks ours. */
const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort } = require('node:worker_threads');
  const body = JSON.stringify({ action: 'get', node: { key: '/k', value: 'v', modifiedIndex: 1, createdIndex: 1 } });
  const server = createServer((request, response) => response.end(body));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

main(async () => {
  const server = new Worker(SERVER, { eval: true });
  const [port] = await once(server, 'message');
  const etcd = new Etcd(`127.0.0.1:${port}`);
  assert.strictEqual((await etcd.get('k')).node.value, 'v');
  assert.strictEqual(etcd.getSync('k').body.node.value, 'v');
  await server.terminate();
  const { err } = new Etcd(`127.0.0.1:${port}`, { maxRetries: 0 }).getSync('k');
  assert.strictEqual(err.errors[0].httperror.code, 'ECONNREFUSED');
  say(`${process.platform} ${process.arch}, Node.js ${process.versions.node}: works`);
});
