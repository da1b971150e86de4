'use strict';

// The demo: a walk through the API, on a store in this process or on an etcd. It keeps to a directory of its own, which it
// removes at the end.

const Etcd = require('../..');
const { Failure, say } = require('../command');
const { findEtcdV3, startEtcd } = require('../etcd');
const { print, styled, title } = require('./screen');
const { stepsOn } = require('./steps');

const STORE = 'memory:';
const ANSWER_WITHIN = 5000;

/** A host, without the password that it may hold. */
const shown = (host) => host.replace(/[^/]*@/, '');

/** What the keys are kept in, in words. */
function storeOf(host, api, version) {
  if (host === STORE) return `a store in this process, which answers as an etcd ${version}`;
  return `etcd ${version} at ${shown(host)}, by its ${api === 'v2' ? 'v2' : 'v3'} API${api === 'v3-json' ? ' in JSON' : ''}`;
}

/** The client, once it is clear that somebody answers: a walk that ends at its first step is no walk. */
async function connect(host, api, home) {
  const options = host === STORE ? {} : { api };
  try {
    const etcd = new Etcd(host, options);
    const limits = { maxRetries: 0, signal: AbortSignal.timeout(ANSWER_WITHIN) };
    const { etcdserver } = await etcd.version(limits);
    // An etcd can be there and have no v2 API, or let nobody in without a password.
    await etcd.set(home, null, { ...limits, dir: true });
    return { etcd, options, version: etcdserver };
  } catch (error) {
    const reason = error.name === 'AbortError' ? `no answer within ${ANSWER_WITHIN} ms` : undefined;
    throw new Failure(`${shown(host)}: ${reason ?? error.errors?.[0]?.httperror?.message ?? error.message}`);
  }
}

/** Walks over the steps. */
async function tour(host, api = process.env.NODE_ETCD_API || 'v2') {
  const home = `demo-${process.pid}-${Date.now()}`;
  const { etcd, options, version } = await connect(host, api, home);
  print(`\n${styled('bold', 'node-etcd-native')} on Node.js ${process.version}`);
  print(`The store: ${styled('bold', storeOf(host, api, version))}`);
  const start = performance.now();
  try {
    const store = { etcd, host, api, options, home, isInProcess: host === STORE };
    for (const [index, [name, step]] of stepsOn(store).entries()) {
      title(index + 1, name);
      await step(store);
    }
  } finally {
    await etcd.rmdir(home, { recursive: true }).catch(() => {}); // what ended the tour is told
    await etcd.close({ abort: true });
  }
  print(`\nAll of that took ${((performance.now() - start) / 1000).toFixed(1)} s.`);
}

/** On an etcd that has v3 alone, for as long as the tour takes. */
async function tourOnV3() {
  const server = await startEtcd({ etcd: findEtcdV3() });
  say(`etcd ${server.version} runs at ${server.host}, process ${server.pid}`);
  try {
    await tour(server.host, 'v3');
  } finally {
    await server.stop();
  }
}

/** Runs the demo: on an etcd that it starts (`v3`), on the host `etcd` by an API, or on a store in this process. */
const demo = ({ etcd, api, v3 }) => (v3 ? tourOnV3() : tour(etcd ?? STORE, api));

module.exports = { demo };
