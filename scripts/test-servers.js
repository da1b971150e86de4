#!/usr/bin/env node
'use strict';

// npm run test:servers: the tests of behaviour against several versions of etcd, over http and https, and the table
// of them in docs/runtimes.md; and with v2 kept on v3 on those without the v2 API. Takes some minutes.
//   npm run test:servers -- 3.5.1    this version alone; the table stays as it is

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { makeCertificates } = require('../__test__/support/certificates');
const { Failure, main, runGroup, say } = require('./command');
const { findVersion } = require('./etcd');
const { V3_VERSIONS, VERSIONS } = require('./etcd-sources');
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

/** What is run against each version: the head of a column, the files, and the environment that they need. */
const KINDS = [
  { head: 'http', files: [...BEHAVIOUR, 'connections/auth', 'watcher/model'] },
  { head: 'https', files: [...BEHAVIOUR, 'connections/tls'], secure: true },
  { head: 'cluster of three', files: ['connections/cluster'] },
];

/** The same against each version without the v2 API. */
const V3_KINDS = ['v3', 'v3-json'].map((transport) => ({
  head: transport,
  files: [...BEHAVIOUR, 'v3/differential', 'v3/foreign', 'v3/watching', 'v3/auth'],
  env: { TEST_TRANSPORT: transport },
}));

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

/** The row of a version, or undefined if it cannot be had here. */
async function testVersion(version, certificates) {
  let etcd;
  try {
    etcd = findVersion(version);
  } catch (error) {
    say(`etcd ${version} is skipped. ${error.message}`);
    return undefined;
  }
  const { TEST_TLS: _, TEST_TRANSPORT: __, ...env } = process.env;
  const secure = { TEST_TLS: certificates.path, NODE_EXTRA_CA_CERTS: path.join(certificates.path, 'ca.pem') };
  const isV3 = Object.hasOwn(V3_VERSIONS, version);
  const results = [];
  for (const kind of isV3 ? V3_KINDS : KINDS) {
    const named = isV3 ? { ETCD_V3: etcd } : { ETCD: etcd };
    const result = await runTests(kind.files, { ...env, ...(kind.secure ? secure : {}), ...kind.env, ...named });
    say(`etcd ${version}, ${kind.head}: ${result.said}`);
    results.push(result);
  }
  return results;
}

async function testServers(wanted) {
  const versions = wanted.length > 0 ? wanted : Object.keys({ ...VERSIONS, ...V3_VERSIONS });
  ensureDependencies();
  ensureAddon();
  const certificates = makeCertificates();
  const rows = [];
  try {
    for (const version of versions) rows.push({ version, results: await testVersion(version, certificates) });
  } finally {
    certificates.remove();
  }
  const tested = rows.filter(({ results }) => results);
  if (tested.length === 0) throw new Failure('No version of etcd could be had');
  const ofV2 = tested.filter(({ version }) => Object.hasOwn(VERSIONS, version));
  if (ofV2.length === Object.keys(VERSIONS).length) {
    const cells = ofV2.map(({ version, results }) => [
      version,
      VERSIONS[version][0].name,
      ...results.map(({ cell }) => cell),
    ]);
    const part = table([['etcd', 'from', ...KINDS.map(({ head }) => head)], ...cells]);
    say(`${writePart('servers', part)} has the table`);
  } else {
    say('The table stays as it is: it is written when all versions were tested');
  }
  return tested.every(({ results }) => results.every(({ passed }) => passed)) ? 0 : 1;
}

main(() => testServers(process.argv.slice(2)));
