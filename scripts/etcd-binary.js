'use strict';

// Finds an etcd that still has the v2 API, or one that has v3 alone, or fetches one into node_modules/.cache: nothing is
// installed system-wide.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask, isExecutable, say, which } = require('./command');
const { SOURCES, V3_VERSION, V3_VERSIONS, VERSIONS } = require('./etcd-sources');

const CACHE = path.join(__dirname, '..', 'node_modules', '.cache', 'node-etcd-native');
/** What the name of a program ends with. */
const EXE = process.platform === 'win32' ? '.exe' : '';

const HOW_TO = `Install etcd 3.5 or older (3.6 dropped the v2 API) and put it on the PATH, or name it: ETCD=/path/to/etcd`;

/** { version, flags, hasV2 } of an etcd binary; throws if it cannot be run. */
function inspectEtcd(binary) {
  const { ok, output } = ask(binary, ['--version'], { timeout: 20_000 });
  const version = /etcd Version: (\d+\.\d+\.\d+\S*)/i.exec(output)?.[1];
  if (!ok || !version) throw new Failure(`${binary} does not run as etcd: ${output.trim() || 'it printed nothing'}`);
  const [major, minor] = version.split('.').map(Number);
  const hasV2 = major < 3 || (major === 3 && minor < 6);
  const help = ask(binary, ['--help'], { timeout: 20_000 }).output;
  const flags = ['--enable-v2', '--unsafe-no-fsync', '--listen-metrics-urls'].filter((flag) => help.includes(flag));
  return { version, flags, hasV2 };
}

/** The same of one that must have the v2 API. */
function inspectV2(binary) {
  const found = inspectEtcd(binary);
  if (!found.hasV2) throw new Failure(`${binary} is etcd ${found.version}, without the v2 API`);
  return found;
}

function isUsable(binary, inspect = inspectV2) {
  try {
    inspect(binary);
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}

/** Fetches etcd in a folder of its own and moves the binary into place at once: others may be doing the same. */
function fetchInto(target, fetchBinary, wanted) {
  fs.mkdirSync(CACHE, { recursive: true });
  const folder = fs.mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    const binary = fetchBinary(folder);
    fs.chmodSync(binary, 0o755);
    const { version } = inspectEtcd(binary);
    if (wanted && version !== wanted) throw new Failure(`it is etcd ${version} now, not ${wanted}`);
    fs.renameSync(binary, target);
    return target;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Fetches an etcd, of this version if one is wanted, from the first source that has it. */
function installEtcd(sources = SOURCES, target = path.join(CACHE, `etcd${EXE}`), wanted = undefined) {
  const failures = [];
  for (const { name, fetchBinary } of sources) {
    say(`No etcd ${wanted ?? ''} found: fetching ${name} into node_modules/.cache`.replace('  ', ' '));
    try {
      return fetchInto(target, fetchBinary, wanted);
    } catch (error) {
      say('That did not work');
      failures.push(`- ${name}: ${error.message}`);
    }
  }
  const missing = `No etcd ${wanted ?? ''} was found and none could be fetched.`.replace('  ', ' ');
  throw new Failure(`${missing}\n${failures.join('\n')}${wanted ? '' : `\n${HOW_TO}`}`);
}

/** The path of an etcd of this very version: one fetched before, else one fetched now. */
function findVersion(version) {
  const known = { ...VERSIONS, ...V3_VERSIONS };
  const sources = known[version];
  if (!sources)
    throw new Failure(`No source of etcd ${version} is known; of ${Object.keys(known).join(', ')} there are`);
  const cached = path.join(CACHE, `etcd-${version}${EXE}`);
  return isExecutable(cached) && isUsable(cached, inspectEtcd) ? cached : installEtcd(sources, cached, version);
}

/** The path of an etcd to keep v2 on its v3 API: $ETCD_V3, else one fetched before, else one fetched now. */
function findEtcdV3() {
  const named = process.env.ETCD_V3;
  if (!named) return findVersion(V3_VERSION);
  const binary = path.resolve(named);
  if (!isExecutable(binary)) throw new Failure(`ETCD_V3=${named} is not an executable file`);
  return binary;
}

/** The path of an etcd: $ETCD, else the PATH's, else one fetched before, else one fetched now. */
function findEtcd() {
  const named = process.env.ETCD;
  if (named) {
    const binary = path.resolve(named);
    if (!isExecutable(binary)) throw new Failure(`ETCD=${named} is not an executable file.\n${HOW_TO}`);
    inspectV2(binary);
    return binary;
  }
  const cached = path.join(CACHE, `etcd${EXE}`);
  const found = [which('etcd'), isExecutable(cached) ? cached : undefined].find((file) => file && isUsable(file));
  return found ?? installEtcd();
}

module.exports = { findEtcd, findEtcdV3, findVersion, inspectEtcd, installEtcd };
