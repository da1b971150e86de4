'use strict';

// Finds an etcd that still has the v2 API, or fetches one into node_modules/.cache: nothing is installed system-wide.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask, isExecutable, say, which } = require('./command');
const { SOURCES, VERSIONS } = require('./etcd-sources');

const CACHE = path.join(__dirname, '..', 'node_modules', '.cache', 'node-etcd-native');
/** What the name of a program ends with. */
const EXE = process.platform === 'win32' ? '.exe' : '';

const HOW_TO = `Install etcd 3.5 or older (3.6 dropped the v2 API) and put it on the PATH, or name it: ETCD=/path/to/etcd`;

/** { version, flags } of an etcd binary; throws if it cannot be run or has no v2 API. */
function inspectEtcd(binary) {
  const { ok, output } = ask(binary, ['--version'], { timeout: 20_000 });
  const version = /etcd Version: (\d+\.\d+\.\d+\S*)/i.exec(output)?.[1];
  if (!ok || !version) throw new Failure(`${binary} does not run as etcd: ${output.trim() || 'it printed nothing'}`);
  const [major, minor] = version.split('.').map(Number);
  if (major > 3 || (major === 3 && minor > 5)) throw new Failure(`${binary} is etcd ${version}, without the v2 API`);
  const help = ask(binary, ['--help'], { timeout: 20_000 }).output;
  const flags = ['--enable-v2', '--unsafe-no-fsync', '--listen-metrics-urls'].filter((flag) => help.includes(flag));
  return { version, flags };
}

function isUsable(binary) {
  try {
    inspectEtcd(binary);
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
  const sources = VERSIONS[version];
  if (!sources)
    throw new Failure(`No source of etcd ${version} is known; of ${Object.keys(VERSIONS).join(', ')} there are`);
  const cached = path.join(CACHE, `etcd-${version}${EXE}`);
  return isExecutable(cached) && isUsable(cached) ? cached : installEtcd(sources, cached, version);
}

/** The path of an etcd: $ETCD, else the PATH's, else one fetched before, else one fetched now. */
function findEtcd() {
  const named = process.env.ETCD;
  if (named) {
    const binary = path.resolve(named);
    if (!isExecutable(binary)) throw new Failure(`ETCD=${named} is not an executable file.\n${HOW_TO}`);
    inspectEtcd(binary);
    return binary;
  }
  const cached = path.join(CACHE, `etcd${EXE}`);
  const found = [which('etcd'), isExecutable(cached) ? cached : undefined].find((file) => file && isUsable(file));
  return found ?? installEtcd();
}

module.exports = { findEtcd, findVersion, inspectEtcd, installEtcd };
