#!/usr/bin/env node
'use strict';

// npm run test:servers: the tests of behaviour against several versions of etcd: of v2, over http and https, and of v2 kept
// on v3. Writes the table of them in docs/runtimes.md. Takes many minutes.
//   npm run test:servers -- 3.6 3.5.21    these versions alone; the table stays as it is

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { makeCertificates } = require('../__test__/support/certificates');
const { Failure, main, runGroup, say } = require('./command');
const { findVersion, inspectEtcd } = require('./etcd');
const { DEFAULT_V2, NEWEST, WITH_V2, minorOf } = require('./etcd-versions');
const { table, writePart } = require('./written-parts');
const { ROOT, ensureAddon, ensureDependencies } = require('./setup');
const { testFile } = require('./test-files');

const BEHAVIOUR = [
  'requests/cancellation',
  'requests/compare',
  'requests/context',
  'requests/information',
  'requests/key-names',
  'requests/keys',
  'requests/promises',
  'requests/sync',
  'requests/values',
  'watcher/watcher',
  'watcher/faults',
  'watcher/loops',
  'watcher/lossless',
  'connections/client',
  'processes/close',
];

const CLUSTER = ['connections/cluster', 'connections/linearizable'];
const ON_V3 = [...BEHAVIOUR, 'v3/differential', 'v3/foreign', 'v3/watching', 'v3/auth'];

/**
 * What is run against versions of etcd: the head of a column, the files, and the environment that they need. The gateway of
 * v3-json is the same program in all versions: the newest ones stand for it.
 */
const KINDS = [
  { head: 'v2 over http', minors: WITH_V2, files: [...BEHAVIOUR, 'connections/auth', 'watcher/model'] },
  { head: 'v2 over https', minors: WITH_V2, files: [...BEHAVIOUR, 'connections/tls'], secure: true },
  { head: 'v2, cluster of three', minors: WITH_V2, files: CLUSTER },
  { head: 'v3', minors: Object.keys(NEWEST), files: ON_V3, transport: 'v3' },
  { head: 'v3, cluster of three', minors: Object.keys(NEWEST), files: CLUSTER, transport: 'v3' },
  { head: 'v3-json', minors: ['3.6', '3.7'], files: ON_V3, transport: 'v3-json' },
];

/** Runs the files; the result is the cell of the table. What fails is printed in full. */
async function runTests(files, env) {
  const log = path.join(os.tmpdir(), `node-etcd-native-servers-${process.pid}.log`);
  const output = fs.openSync(log, 'w');
  const args = ['--test', '--test-reporter=tap', ...files.map(testFile)];
  let status;
  let text;
  try {
    status = await runGroup(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', output, output] });
  } finally {
    fs.closeSync(output);
    text = fs.readFileSync(log, 'utf8');
    fs.rmSync(log);
  }
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  if (status === 0 && count('pass') > 0) return { passed: true, cell: 'passes', said: `${count('pass')} tests pass` };
  process.stdout.write(text);
  return { passed: false, cell: 'fails', said: `${failed} of ${count('tests')} tests fail` };
}

/** The environment of a kind of tests on an etcd. What is compared with v2's own store has its own. */
function environment({ secure, transport }, etcd, certificates) {
  const { TEST_TLS: _, TEST_TRANSPORT: __, ...env } = process.env;
  if (transport) return { ...env, TEST_TRANSPORT: transport, ETCD_V3: etcd, ETCD: findVersion(DEFAULT_V2) };
  const folder = certificates.path;
  return { ...env, ETCD: etcd, ...(secure && { TEST_TLS: folder, NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.pem') }) };
}

/** { version, results }: a result for each kind that is for it. Or undefined if it cannot be had here. */
async function testVersion(named, certificates) {
  let etcd;
  try {
    etcd = findVersion(named);
  } catch (error) {
    say(`etcd ${named} is skipped. ${error.message}`);
    return undefined;
  }
  const { version } = inspectEtcd(etcd);
  const kinds = KINDS.filter(({ minors }) => minors.includes(minorOf(version)));
  if (kinds.length === 0)
    throw new Failure(`For etcd ${version} there are no tests: it is none of ${Object.keys(NEWEST).join(', ')}`);
  const results = new Map();
  for (const kind of kinds) {
    const result = await runTests(kind.files, environment(kind, etcd, certificates));
    say(`etcd ${version}, ${kind.head}: ${result.said}`);
    results.set(kind, result);
  }
  return { version, results };
}

/** A line for each version. */
const tableOf = (tested) =>
  table([
    ['etcd', ...KINDS.map(({ head }) => head)],
    ...tested.map(({ version, results }) => [version, ...KINDS.map((kind) => results.get(kind)?.cell ?? '–')]),
  ]);

async function testServers(wanted) {
  ensureDependencies();
  ensureAddon();
  const certificates = makeCertificates();
  const names = wanted.length > 0 ? wanted : Object.keys(NEWEST);
  const rows = [];
  try {
    for (const named of names) rows.push(await testVersion(named, certificates));
  } finally {
    certificates.remove();
  }
  const tested = rows.filter(Boolean);
  if (tested.length === 0) throw new Failure('No version of etcd could be had');
  if (wanted.length === 0 && tested.length === names.length) {
    say(`${writePart('servers', tableOf(tested))} has the table`);
  } else {
    say('The table stays as it is: it is written when all versions were tested');
  }
  return tested.every(({ results }) => [...results.values()].every(({ passed }) => passed)) ? 0 : 1;
}

main(() => testServers(process.argv.slice(2)));
