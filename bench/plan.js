'use strict';

// Which contestants do what, and what is asked of us.

const OURS = 'node-etcd-native';
const AWAITED = `${OURS}, await`;
const IN_MEMORY = `${OURS}, memory`;
const ON_V3 = `${OURS}, v3`;
const ON_V3_BY_JSON = `${OURS}, v3-json`;
const PARSE = 'JSON.parse';
const FEWER = `${OURS}, 64`;
const LIMIT = 'wrk';
/** Another checkout of this package. */
const BEFORE = 'before';
/** Members of a cluster: one, the usual, and two more than etcd recommends at most. */
const HOSTS = [1, 3, 9];

/** Whoever talks to an etcd that has no v2 API. */
const V3_CLIENTS = [ON_V3, ON_V3_BY_JSON, 'etcd3'];

const FULL = {
  rounds: 5,
  warmUp: 1000,
  time: 2000,
  burst: 4000,
  sets: 20_000,
  count: 200_000,
  past: 500_000,
  watchers: [1, 1000, 5000],
  many: 10_000,
  keys: 200_000,
};
const QUICK = {
  rounds: 1,
  warmUp: 800,
  time: 500,
  burst: 1500,
  sets: 4000,
  count: 20_000,
  past: 20_000,
  watchers: [1, 1000],
  many: 1000,
  keys: 20_000,
};

const named = (clients) => clients.map((client) => ({ name: client, client }));

/** The workloads, in the order of the table. */
function workloads({ warmUp, time, burst, sets, count, past, watchers, many, keys }) {
  const requests = (name, title, server, verb, inFlight, clients) => {
    const parameters = { verb, inFlight, warmUp, time };
    return { name, title, server, workload: 'requests', parameters, contestants: named(clients) };
  };
  // What one's own figure is compared with takes its turn beside it: the machine's speed changes.
  const withFewer = (one) => {
    const fewer = { name: FEWER, client: OURS, parameters: { inFlight: 64 } };
    return { ...one, contestants: [...one.contestants, fewer] };
  };
  const sync = (name, verb) => {
    const contestants = named([OURS, IN_MEMORY, 'node-etcd', LIMIT]);
    const parameters = { verb, inFlight: 1, warmUp, time };
    return { name, title: `${name}, one after the other`, server: 'nginx', workload: 'sync', parameters, contestants };
  };
  return [
    requests('get64', 'GET, 64 in flight', 'nginx', 'get', 64, [
      OURS,
      AWAITED,
      IN_MEMORY,
      'undici',
      'node:http',
      'node-etcd',
      LIMIT,
    ]),
    requests('set64', 'SET, 64 in flight', 'nginx', 'set', 64, [
      OURS,
      IN_MEMORY,
      'undici',
      'node:http',
      'node-etcd',
      LIMIT,
    ]),
    requests('get1', 'GET, 1 in flight', 'nginx', 'get', 1, [
      OURS,
      IN_MEMORY,
      'undici',
      'node:http',
      'node-etcd',
      LIMIT,
    ]),
    withFewer(
      requests('get512', 'GET, 512 in flight', 'nginx', 'get', 512, [OURS, 'undici', 'node:http', 'node-etcd', LIMIT]),
    ),
    sync('getSync', 'get'),
    sync('setSync', 'set'),
    {
      name: 'list',
      title: 'recursive GET of 10,000 keys, parsed',
      server: 'nginx',
      workload: 'large',
      parameters: { warmUp, time },
      contestants: named([OURS, IN_MEMORY, PARSE, 'undici', 'node:http']),
    },
    requests('etcdGet', 'GET from etcd, 64 in flight', 'etcd', 'get', 64, [
      OURS,
      ON_V3,
      'undici',
      'node-etcd',
      'etcd3',
    ]),
    requests('etcdSet', 'SET in etcd, 64 in flight', 'etcd', 'set', 64, [OURS, ON_V3, 'undici', 'node-etcd', 'etcd3']),
    requests('v3Get', 'GET from an etcd without v2, 64 in flight', 'etcdV3', 'get', 64, V3_CLIENTS),
    requests('v3Set', 'SET in an etcd without v2, 64 in flight', 'etcdV3', 'set', 64, V3_CLIENTS),
    {
      ...requests('v3Get512', 'GET from an etcd without v2, 512 in flight', 'etcdV3', 'get', 512, V3_CLIENTS),
      workload: 'connected',
    },
    {
      name: 'start',
      title: '`require` and constructor',
      server: 'nginx',
      workload: 'start',
      parameters: {},
      contestants: named([OURS, 'undici', 'node-etcd']),
    },
    {
      name: 'memory',
      title: `after ${count.toLocaleString('en')} GETs, 64 in flight`,
      server: 'nginx',
      workload: 'memory',
      parameters: { count },
      contestants: named([OURS, 'undici']),
    },
    {
      name: 'burst',
      title: 'watcher, etcd written to as fast as it takes it',
      server: 'etcd',
      workload: 'burst',
      parameters: { time: burst },
      contestants: named([OURS, 'node-etcd']),
    },
    {
      name: 'lossless',
      title: `one recursive watcher, ${sets.toLocaleString('en')} sets over 50 keys, by writers at once`,
      server: 'etcd',
      workload: 'lossless',
      parameters: { sets },
      contestants: [1, 8, 32].flatMap((writers) =>
        [OURS, 'node-etcd'].map((client) => ({ name: `${client}, ${writers}`, client, parameters: { writers } })),
      ),
    },
    {
      name: 'v3Lossless',
      title: `one recursive watcher on v3, ${sets.toLocaleString('en')} sets over 50 keys by 32 writers at once`,
      server: 'etcdV3',
      workload: 'lossless',
      parameters: { sets, writers: 32, api: 'v3' },
      contestants: named([ON_V3, ON_V3_BY_JSON]),
    },
    {
      name: 'beside',
      title: 'GET from etcd, 64 in flight, beside open watchers',
      server: 'etcd',
      workload: 'beside',
      parameters: { warmUp, time },
      contestants: watchers.map((count) => ({
        name: `${OURS}, ${count.toLocaleString('en')}`,
        client: OURS,
        parameters: { watchers: count },
      })),
    },
    {
      name: 'hosts',
      title: 'GET, 64 in flight, by members of the cluster',
      server: 'nginx',
      workload: 'requests',
      parameters: { verb: 'get', inFlight: 64, warmUp, time },
      contestants: HOSTS.map((hosts) => ({ name: `${OURS}, ${hosts}`, client: OURS, parameters: { hosts } })),
    },
    {
      name: 'past',
      title: 'GET, 64 in flight, after so many',
      server: 'nginx',
      workload: 'requests',
      parameters: { verb: 'get', inFlight: 64, warmUp, time },
      contestants: [0, past].map((count) => ({
        name: `${OURS}, ${count.toLocaleString('en')}`,
        client: OURS,
        parameters: { past: count },
      })),
    },
    {
      name: 'watching',
      title: `${many.toLocaleString('en')} open watchers, per watcher`,
      server: 'etcd',
      startsServer: true,
      workload: 'watching',
      parameters: { watchers: many },
      contestants: named([OURS, ON_V3]),
    },
    {
      name: 'kept',
      title: `${keys.toLocaleString('en')} keys in memory, per key`,
      workload: 'kept',
      parameters: { keys },
      contestants: named([IN_MEMORY]),
    },
    {
      name: 'watched',
      title: `${many.toLocaleString('en')} watchers in memory, ${(10 * many).toLocaleString('en')} sets`,
      workload: 'watched',
      parameters: { watchers: many, sets: 10 * many },
      contestants: named([IN_MEMORY]),
    },
    { name: 'size', title: 'the addon', workload: 'size', contestants: named([OURS]) },
  ];
}

/** The same with two contestants for each of ours: this checkout and the one before. */
function withBefore(list) {
  const pair = (contestant) => [
    contestant,
    { ...contestant, name: contestant.name.replace(OURS, BEFORE), client: BEFORE },
  ];
  const both = (one) => ({
    ...one,
    contestants: one.contestants.filter(({ client }) => client === OURS).flatMap(pair),
  });
  return list.map(both).filter(({ contestants }) => contestants.length > 0);
}

/** That a request costs about as much with more of something as with less. */
const hardlyGrows = (workload, less, more) =>
  more.map((count) => ({ workload, of: `${OURS}, ${count}`, metric: 'cpu', over: `${OURS}, ${less}`, atMost: 1.3 }));

/** A figure of ours, alone or divided by another one, and what it is to be. */
const TARGETS = [
  ...['get64', 'set64'].flatMap((name) => [
    { workload: name, metric: 'rate', over: 'node-etcd', atLeast: 10 },
    { workload: name, metric: 'rate', over: 'undici', atLeast: 1.25 },
    { workload: name, metric: 'jsCpu', over: 'undici', atMost: 0.4 },
    { workload: name, metric: 'jsCpu', over: 'node-etcd', atMost: 0.05 },
    { workload: name, metric: 'cpu', over: 'undici', atMost: 0.75 },
  ]),
  { workload: 'get1', metric: 'p50', over: 'undici', atMost: 1 },
  { workload: 'get1', metric: 'p50', over: LIMIT, atMost: 1.5 },
  ...['getSync', 'setSync'].flatMap((name) => [
    { workload: name, metric: 'p50', over: LIMIT, atMost: 1.25 },
    { workload: name, metric: 'p50', over: 'node-etcd', atMost: 1 / 6 },
  ]),
  { workload: 'get512', metric: 'rate', over: FEWER, atLeast: 0.95 },
  { workload: 'get512', metric: 'p99', over: 'undici', atMost: 1 },
  { workload: 'get64', of: AWAITED, metric: 'cpu', over: OURS, atMost: 1.15 },
  { workload: 'list', metric: 'p50', over: 'undici', atMost: 1.05 },
  { workload: 'list', metric: 'stall', over: 'undici', atMost: 1 },
  ...['get64', 'set64'].map((workload) => ({ workload, of: IN_MEMORY, metric: 'rate', over: OURS, atLeast: 2 })),
  { workload: 'get1', of: IN_MEMORY, metric: 'p50', atMost: 20 },
  ...['getSync', 'setSync'].map((workload) => ({ workload, of: IN_MEMORY, metric: 'p50', atMost: 5 })),
  { workload: 'list', of: IN_MEMORY, metric: 'p50', over: PARSE, atMost: 1.2 },
  { workload: 'kept', of: IN_MEMORY, metric: 'overhead', atMost: 300 },
  { workload: 'watched', of: IN_MEMORY, metric: 'lost', atMost: 0 },
  { workload: 'watched', of: IN_MEMORY, metric: 'residentKb', atMost: 3 },
  { workload: 'start', metric: 'ms', atMost: 10 },
  { workload: 'start', metric: 'threads', atMost: 0 },
  { workload: 'start', metric: 'residentKb', atMost: 7168 },
  { workload: 'memory', metric: 'residentKb', over: 'undici', atMost: 0.7 },
  { workload: 'memory', metric: 'growth', atMost: 1.05 },
  { workload: 'burst', metric: 'rate', over: 'node-etcd', atLeast: 10 },
  ...['1', '8', '32'].flatMap((writers) => [
    { workload: 'lossless', of: `${OURS}, ${writers}`, metric: 'lost', atMost: 0 },
    { workload: 'lossless', of: `${OURS}, ${writers}`, metric: 'behind', atMost: 500 },
  ]),
  { workload: 'v3Get', of: ON_V3, metric: 'rate', over: 'etcd3', atLeast: 5 },
  { workload: 'v3Set', of: ON_V3, metric: 'rate', over: 'etcd3', atLeast: 3 },
  ...[
    ['etcdGet', 0.55],
    ['etcdSet', 0.8],
  ].flatMap(([workload, atLeast]) => [
    { workload, of: ON_V3, metric: 'rate', over: OURS, atLeast },
    { workload, of: ON_V3, metric: 'jsCpu', over: OURS, atMost: 1.1 },
  ]),
  { workload: 'v3Get512', of: ON_V3, metric: 'connections', atMost: 1 },
  { workload: 'v3Lossless', of: ON_V3, metric: 'lost', atMost: 0 },
  ...hardlyGrows('beside', '1', ['1,000', '5,000']),
  ...hardlyGrows('hosts', '1', ['3', '9']),
  ...hardlyGrows('past', '0', ['500,000']),
  { workload: 'watching', metric: 'residentKb', atMost: 30 },
  { workload: 'watching', of: ON_V3, metric: 'residentKb', atMost: 8 },
  { workload: 'watching', of: ON_V3, metric: 'connections', atMost: 1 },
  { workload: 'watching', of: ON_V3, metric: 'serverMb', atMost: 10 },
  { workload: 'size', metric: 'mb', atMost: 6.3 },
  { workload: 'size', metric: 'packedMb', atMost: 2.7 },
];

module.exports = { BEFORE, FULL, LIMIT, ON_V3, OURS, QUICK, TARGETS, withBefore, workloads };
