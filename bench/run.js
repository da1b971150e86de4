#!/usr/bin/env node
'use strict';

// npm run bench: how fast this is, beside others. Builds nothing: `npm run build` first.
//   npm run bench                      everything; writes results.json, chart.svg, and the figures in README.md and
//                                      docs/performance.md
//   npm run bench -- --quick           in less than two minutes, with rougher figures; writes into bench/quick alone
//   npm run bench -- --rounds=2        the same with so many rounds instead of five
//   npm run bench -- --report          measures nothing: writes from results.json what the first one writes
//   npm run bench -- get64 burst       these workloads alone (see plan.js); writes nothing
//   npm run bench -- --before=FOLDER   this package and another checkout of it alone, in turns; writes nothing

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');
const { Failure, main, run, say } = require('../scripts/command');
const { findEtcdV3, findVersion, startEtcd } = require('../scripts/etcd');
const { chart } = require('./chart');
const { measure } = require('./child');
const { startNginx } = require('./nginx');
const { BEFORE, FULL, LIMIT, ON_V3, OURS, QUICK, withBefore, workloads } = require('./plan');
const { between, brief, compared, full } = require('./report');
const { judge, medians } = require('./results');
const { KEY, VALUE } = require('./replies');
const { measureWrk, whileWriting } = require('./wrk');

const ROOT = path.join(__dirname, '..');
const inRoot = (...names) => path.join(ROOT, ...names);
const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

function parse(args) {
  const value = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  return {
    quick: args.includes('--quick'),
    report: args.includes('--report'),
    before: value('before') && path.resolve(value('before')),
    rounds: value('rounds') && roundsOf(value('rounds')),
    only: args.filter((arg) => !arg.startsWith('--')),
  };
}

function roundsOf(text) {
  if (!/^[1-9]\d?$/.test(text)) throw new Failure(`--rounds=${text}: expected a number from 1 to 99`);
  return Number(text);
}

function planned({ quick, before, rounds, only }) {
  const settings = { ...(quick ? QUICK : FULL), ...(rounds && { rounds }) };
  const all = workloads(settings);
  for (const name of only) {
    if (!all.some((one) => one.name === name)) throw new Failure(`No workload is called ${name}`);
  }
  const chosen = all.filter(({ name }) => only.length === 0 || only.includes(name));
  return (before ? withBefore(chosen) : chosen).map((one) => ({
    ...one,
    rounds: one.workload === 'size' ? 1 : settings.rounds,
  }));
}

function ensurePeers() {
  const { dependencies } = readJson(path.join(__dirname, 'package.json'));
  const present = (name) => path.join(__dirname, 'node_modules', name, 'package.json');
  const isThere = ([name, version]) => fs.existsSync(present(name)) && readJson(present(name)).version === version;
  if (Object.entries(dependencies).every(isThere)) return;
  say('Installing the clients to compare with into bench/node_modules');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: __dirname });
}

/** What each round can take its server from: the newest etcd with both APIs, and one without v2. */
const SERVERS = {
  nginx: startNginx,
  etcd: () => startEtcd({ etcd: findVersion('3.5') }),
  etcdV3: () => startEtcd({ etcd: findEtcdV3() }),
};

/** One round of one contestant. */
async function once(one, contestant, server, before) {
  if (!one.startsServer) return measured(one, contestant, server, before);
  const own = await SERVERS[one.server]();
  try {
    return await measured(one, contestant, own, before);
  } finally {
    await own.stop();
  }
}

function measured({ workload, parameters }, contestant, { host, pid } = {}, before) {
  const all = { ...parameters, ...contestant.parameters, client: contestant.client, host, pid };
  if (contestant.client === LIMIT) return measureWrk({ ...all, seconds: all.time / 1000 });
  const env = contestant.client === BEFORE ? { BENCH_SUBJECT: before } : {};
  if (workload === 'size') return size(contestant.client === BEFORE ? before : ROOT);
  if (workload === 'burst') return whileWriting(host, () => measure(workload, all, env));
  return measure(workload, all, env);
}

function size(folder) {
  const [name] = fs.readdirSync(folder).filter((file) => file.endsWith('.node'));
  const addon = fs.readFileSync(path.join(folder, name));
  return { mb: addon.length / 1e6, packedMb: zlib.gzipSync(addon, { level: 9 }).length / 1e6 };
}

/** The contestants take turns; resolves with the medians of each. */
async function compete(one, running, before) {
  const rounds = Object.fromEntries(one.contestants.map(({ name }) => [name, []]));
  for (let round = 1; round <= one.rounds; round++) {
    // Who comes second meets a machine that the first one has warmed up: they change places.
    const turns = round % 2 === 0 ? one.contestants.toReversed() : one.contestants;
    for (const contestant of turns) {
      const figures = await once(one, contestant, running, before);
      rounds[contestant.name].push(figures);
      say(`${one.name}, round ${round} of ${one.rounds}, ${contestant.name}: ${inShort(figures)}`);
    }
  }
  const figures = Object.fromEntries(Object.entries(rounds).map(([name, list]) => [name, medians(list)]));
  const { title, server } = one;
  return { title, server, figures };
}

function inShort(figures) {
  const numbers = Object.entries(figures).filter(([, value]) => typeof value === 'number');
  return numbers.map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`).join(', ');
}

function versions({ etcd, etcdV3 }) {
  const { dependencies } = readJson(path.join(__dirname, 'package.json'));
  const own = readJson(inRoot('package.json')).version;
  return {
    [OURS]: own,
    ...dependencies,
    'Node.js': process.versions.node,
    etcd: `${etcd.version} and ${etcdV3.version}`,
  };
}

function machine() {
  const gigabytes = Math.round(os.totalmem() / 2 ** 30);
  return `${os.availableParallelism()} cores (${os.cpus()[0].model}), ${gigabytes} GB, ${os.type()} ${os.arch()}`;
}

/** What was measured, the medians alone: all that the tables and the chart need. Each round was told on the way. */
function write(folder, results) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'results.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  fs.writeFileSync(path.join(folder, 'chart.svg'), chart(results));
  say(`Written: results.json and chart.svg in ${path.relative(process.cwd(), folder) || '.'}`);
}

function publish(results) {
  for (const [file, content] of [
    [inRoot('README.md'), `![Requests per second, and CPU per request](bench/chart.svg)\n\n${brief(results)}`],
    [inRoot('docs', 'performance.md'), full(results)],
  ]) {
    fs.writeFileSync(file, between(fs.readFileSync(file, 'utf8'), content));
  }
  say('Written: the figures in README.md and docs/performance.md');
}

/** The chart, the README and docs/performance.md as they follow from the last results. */
function report() {
  const results = readJson(path.join(__dirname, 'results.json'));
  write(__dirname, results);
  publish(results);
}

async function bench(options) {
  if (process.platform !== 'linux') throw new Failure('CPU time of a thread is read as Linux counts it');
  const plan = planned(options);
  ensurePeers();
  const started = performance.now();
  const servers = {};
  for (const [name, start] of Object.entries(SERVERS)) servers[name] = await start();
  const results = { date: new Date().toISOString(), machine: machine(), versions: versions(servers) };
  results.rounds = Math.max(...plan.map(({ rounds }) => rounds));
  results.workloads = {};
  try {
    await setKey(servers);
    for (const one of plan) results.workloads[one.name] = await compete(one, servers[one.server], options.before);
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
  if (options.before) {
    console.log(compared(results));
    return;
  }
  console.log(full(results));
  const targets = judge(results.workloads);
  say(`${targets.filter(({ met }) => met).length} of ${targets.length} targets met`);
  say(`${Math.round((performance.now() - started) / 1000)} s`);
  if (options.only.length > 0) return;
  write(options.quick ? path.join(__dirname, 'quick') : __dirname, results);
  if (!options.quick) publish(results);
}

/** What is asked for must be there, in both APIs. */
async function setKey({ etcd, etcdV3 }) {
  const { CLIENTS } = require('./clients');
  const set = (client, { host }) =>
    new Promise((resolve, reject) => {
      CLIENTS[client](host).set(KEY, VALUE, (err) => (err ? reject(err) : resolve()));
    });
  for (const client of [OURS, ON_V3, 'etcd3']) await set(client, etcd);
  for (const client of [ON_V3, 'etcd3']) await set(client, etcdV3);
}

// Its servers end with it, by a signal too.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

main(async () => {
  const options = parse(process.argv.slice(2));
  if (options.report) report();
  else await bench(options);
  // Clients of ours may have connections open.
  process.exit();
});
