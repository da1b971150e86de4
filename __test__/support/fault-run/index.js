'use strict';

// One run of requests under faults: etcd, a fault proxy before it, and a process with the load (load.js), which is
// watched from here.

const path = require('node:path');
const { startEtcd } = require('../../../scripts/etcd');
const { printedBy } = require('../node-script');
const { startFaultProxy } = require('../fault-proxy');
const { RawEtcd } = require('../raw-etcd');

const LOAD = path.join(__dirname, 'load.js');

/** By shares: what connections meet. */
const HONEST = {
  reset: 0.1,
  cutHead: 0.06,
  cutBody: 0.06,
  delay: 0.1,
  stall: 0.04,
  halfClose: 0.08,
  drip: 0.08,
  blackHole: 0.04,
  refuse: 0.04,
};
/** Bytes that etcd did not send, which could pass for the reply to another request. */
const LIES = { garbage: 0.1, duplicate: 0.15 };

/** Resolves with what is wrong in etcd, of what was acknowledged. */
async function missing(etcd, prefix, { acknowledged, deleted }) {
  const { body } = await etcd.ask('GET', `/${prefix}`, { query: { recursive: true } });
  const values = new Map();
  const collect = ({ key, value, nodes = [] }) => {
    values.set(key.slice(1), value?.replace(/v+$/, '*'));
    nodes.forEach(collect);
  };
  collect(body.node);
  const lost = acknowledged.filter(([key, value]) => values.get(key) !== value);
  const left = deleted.filter((key) => values.has(key));
  return [
    ...lost.map(([key]) => `${key} was acknowledged, and is lost`),
    ...left.map((key) => `${key} is there again`),
  ];
}

/** The keys that a load reads and deletes. */
async function prepare(etcd, prefix, requests) {
  const write = (key, value) => etcd.ask('PUT', `/${prefix}/${key}`, { form: { value } });
  await write('fixed', 'fixed');
  await Promise.all(Array.from({ length: requests }, (_, i) => write(`doomed/${i}`, i)));
}

/**
 * Sends so many requests under the faults of a seed. Resolves with { wrong, sum, struck, … }: what is wrong as texts, and
 * what happened.
 */
async function runFaults(seed, requests) {
  const isLiar = seed % 2 === 0;
  const prefix = 'faults';
  const open = [];
  const keep = (thing) => open.push(thing) && thing;
  try {
    const server = keep(await startEtcd());
    const etcd = new RawEtcd(server.host, 16);
    keep({ stop: () => etcd.close() });
    await prepare(etcd, prefix, requests);
    const plan = { faults: isLiar ? { ...HONEST, ...LIES } : HONEST, delays: 10 };
    const proxy = keep(await startFaultProxy(server.port, { seed, plan }));
    const args = [proxy.host, prefix, seed, requests, isLiar].map(String);
    const seen = await printedBy(LOAD, { args, execArgv: ['--expose-gc'], timeoutMs: 60_000 + 60 * requests });
    const wrong = [...seen.wrong, ...(await missing(etcd, prefix, seen))];
    const { connections, struck } = await proxy.report();
    const [written, removed] = [seen.acknowledged.length, seen.deleted.length];
    return { seed, wrong, written, removed, ...seen.sum, connections, struck, before: seen.before, after: seen.after };
  } finally {
    for (const thing of open.reverse()) await thing.stop();
  }
}

module.exports = { FAULTS: Object.keys({ ...HONEST, ...LIES }), runFaults };
