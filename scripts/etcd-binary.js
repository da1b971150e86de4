'use strict';

// Finds an etcd, with the v2 API or to keep v2 on its v3 API, or fetches one into node_modules/.cache: nothing is installed
// system-wide.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask, isExecutable, say, which } = require('./command');
const { packageName, unpackEtcd } = require('./etcd-package');
const { DEFAULT_V2, DEFAULT_V3, NEWEST } = require('./etcd-versions');

const CACHE = path.join(__dirname, '..', 'node_modules', '.cache', 'node-etcd-native');
/** What the name of a program ends with. */
const EXE = process.platform === 'win32' ? '.exe' : '';

const HOW_TO =
  'Install etcd 3.4 or 3.5 (3.6 has no v2 API any more) and put it on the PATH, or name it: ETCD=/path/to/etcd';

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

function isUsable(binary, inspect) {
  try {
    inspect(binary);
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}

/** Fetches etcd in a folder of its own and moves the binary into place at once: others may be doing the same. */
function fetchInto(target, version) {
  fs.mkdirSync(CACHE, { recursive: true });
  const folder = fs.mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    const binary = unpackEtcd(version, folder);
    fs.chmodSync(binary, 0o755);
    inspectEtcd(binary);
    fs.renameSync(binary, target);
    return target;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The path of an etcd of this version, 3.5.34 or the newest 3.5: one fetched before, else one fetched now. */
function findVersion(named) {
  const version = NEWEST[named] ?? named;
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Failure(`"${named}" is no version of etcd: ${Object.keys(NEWEST).join(', ')}, or one with its patch`);
  }
  const cached = path.join(CACHE, `etcd-${version}${EXE}`);
  if (isExecutable(cached) && isUsable(cached, inspectEtcd)) return cached;
  say(`Fetching etcd ${version}, the Rust package ${packageName()}, into node_modules/.cache`);
  return fetchInto(cached, version);
}

/** The binary that a variable of the environment names, if it does. */
function namedBy(variable) {
  const named = process.env[variable];
  if (!named) return undefined;
  const binary = path.resolve(named);
  if (!isExecutable(binary)) throw new Failure(`${variable}=${named} is not an executable file`);
  return binary;
}

/** The path of an etcd to keep v2 on its v3 API: $ETCD_V3, else one fetched before, else one fetched now. */
const findEtcdV3 = () => namedBy('ETCD_V3') ?? findVersion(DEFAULT_V3);

/** The path of an etcd with the v2 API: $ETCD, else the PATH's, else one fetched before, else one fetched now. */
function findEtcd() {
  const named = namedBy('ETCD');
  if (named) {
    inspectV2(named);
    return named;
  }
  const installed = which('etcd');
  if (installed && isUsable(installed, inspectV2)) return installed;
  try {
    return findVersion(DEFAULT_V2);
  } catch (error) {
    throw new Failure(`No etcd was found, and none could be fetched: ${error.message}\n${HOW_TO}`);
  }
}

module.exports = { findEtcd, findEtcdV3, findVersion, inspectEtcd };
