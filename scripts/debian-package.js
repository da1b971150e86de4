'use strict';

// Debian's packages without installing them: downloaded and unpacked into node_modules/.cache, which needs no root and
// starts no service.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask, say, which } = require('./command');

const CACHE = path.join(__dirname, '..', 'node_modules', '.cache', 'node-etcd-native', 'debian');

/** Runs a command in a folder; throws with the command's own words. */
function runIn(folder, command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { ok, output } = ask(command, args, { cwd: folder, env });
  if (!ok) throw new Failure(`\`${[command, ...args].join(' ')}\` failed:\n${output.trim()}`);
}

/** The newest version that apt's package lists know; root can renew the lists. */
function download(name, folder) {
  const isRoot = process.getuid?.() === 0;
  // As root, apt would otherwise download as a user of its own that cannot write into the folder.
  const args = [...(isRoot ? ['-o', 'APT::Sandbox::User=root'] : []), 'download', name];
  try {
    runIn(folder, 'apt-get', args);
  } catch (error) {
    if (!isRoot) throw new Failure(`${error.message}\n(\`apt-get update\`, as root, may help)`);
    say('apt-get update (its package lists are missing or old)');
    runIn(folder, 'apt-get', ['update']);
    runIn(folder, 'apt-get', args);
  }
}

/** Downloads this system's version of a package into a folder, and unpacks it there; the path of its files. */
function fetchPackage(name, folder) {
  if (!which('apt-get') || !which('dpkg-deb')) throw new Failure('no apt-get and dpkg-deb here');
  download(name, folder);
  const archive = fs.readdirSync(folder).find((file) => file.endsWith('.deb'));
  const unpacked = path.join(folder, 'unpacked');
  runIn(folder, 'dpkg-deb', ['-x', archive, unpacked]);
  return unpacked;
}

/** Fetches in a folder of its own, which then becomes the target at once: others may be doing the same. */
function fetchInto(target, name) {
  fs.mkdirSync(CACHE, { recursive: true });
  const folder = fs.mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    const unpacked = fetchPackage(name, folder);
    if (!fs.existsSync(target)) fs.renameSync(unpacked, target);
  } catch (error) {
    if (!fs.existsSync(target)) throw error;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The folder that holds a package's files, `usr/bin` and so on; fetched if that was not done before. */
function debianPackage(name) {
  const target = path.join(CACHE, name);
  if (fs.existsSync(target)) return target;
  say(`Fetching Debian's package ${name} into node_modules/.cache`);
  fetchInto(target, name);
  return target;
}

module.exports = { debianPackage };
