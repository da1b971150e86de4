'use strict';

// Writes to an etcd from a process of its own, as fast as `concurrency` allows:
//   node writer.js <host or URL> <prefix> <from> <to> <keys> <concurrency> [pause in ms after each]
// sets <prefix>/k<n> to i, for i from `from` up to but without `to`, where n is i modulo `keys`. When etcd cannot be reached it
// tries the same value again, so that each is written at least once. Prints { "indexes": [[modifiedIndex, i], …] }
// at the end, those that etcd confirmed.

const http = require('node:http');
const https = require('node:https');
const { setTimeout: sleep } = require('node:timers/promises');

const [host, prefix, ...numbers] = process.argv.slice(2);
const [from, to, keys, concurrency, pause = 0] = numbers.map(Number);
const { Agent, request: send } = host.startsWith('https:') ? https : http;
const server = host.includes('://') ? host : `http://${host}`;
const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
const indexes = [];
let next = from;

function put(i) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const url = `${server}/v2/keys/${prefix}/k${i % keys}`;
    const request = send(url, { method: 'PUT', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode >= 400) return reject(new Error(text));
        return resolve(JSON.parse(text).node.modifiedIndex);
      });
    });
    request.on('error', reject);
    request.end(`value=${i}`);
  });
}

async function work() {
  while (next < to) {
    const i = next++;
    for (;;) {
      try {
        indexes.push([await put(i), i]);
        if (pause > 0) await sleep(pause);
        break;
      } catch {
        await sleep(20);
      }
    }
  }
}

Promise.all(Array.from({ length: concurrency }, work)).then(() => {
  agent.destroy();
  console.log(JSON.stringify({ indexes }));
});
