#!/usr/bin/env node
'use strict';

// What a release looks for in its binaries.
//   node scripts/inspect-binary.js <file>... [--glibc 2.28]    fails on paths of the building machine, and on symbols of
//                                                              a newer glibc than that

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('./setup');
const { Failure, main, say } = require('./command');

const newestFirst = (a, b) => b.localeCompare(a, 'en', { numeric: true });

/** The newest version of glibc that a library asks for, or undefined: its name stands in the table of symbol versions. */
function glibcNeeded(bytes) {
  const versions = bytes.toString('latin1').matchAll(/\0GLIBC_(\d+(?:\.\d+)+)(?=\0)/g);
  return [...versions].map(([, version]) => version).sort(newestFirst)[0];
}

/** Where cargo and rustup keep things on any machine. */
const TOOLS = ['.cargo/', '.cargo\\', '.rustup/', '.rustup\\'];
/** An absolute path of a source file, but for those that rustc and aws-lc-sys name without their machines. */
const SOURCE =
  /(?<![\w.@+~-])(?!\/(?:rustc|rust\/deps|aws-lc)\/)(?:[A-Za-z]:[\\/]|\/)(?:[\w.@+~ -]+[\\/])+[\w.+-]+\.(?:rs|cc?|h|S)\b/g;

/** Folders of this machine that a binary built here could name: the homes of all users are beside ours. */
function foldersHere() {
  const { CARGO_HOME, RUSTUP_HOME, GITHUB_WORKSPACE } = process.env;
  const folders = [ROOT, os.homedir(), path.dirname(os.homedir()), CARGO_HOME, RUSTUP_HOME, GITHUB_WORKSPACE];
  return folders.filter((folder) => folder && path.dirname(folder) !== folder).map((folder) => folder + path.sep);
}

/** Texts in a binary that are paths of the machine that built it: folders of this one, and sources anywhere. */
function pathsOfTheBuild(bytes) {
  const text = bytes.toString('latin1');
  const places = [...text.matchAll(SOURCE)].map(({ index }) => index);
  for (const folder of [...foldersHere(), ...TOOLS]) {
    for (let at = text.indexOf(folder); at >= 0; at = text.indexOf(folder, at + 1)) places.push(at);
  }
  return [...new Set(places.map((at) => /^[\x20-\x7e]{1,100}/.exec(text.slice(at, at + 100))[0]))];
}

function inspect(file, glibc) {
  const bytes = fs.readFileSync(file);
  const needed = glibcNeeded(bytes);
  const paths = pathsOfTheBuild(bytes);
  say(`${path.basename(file)}: ${(bytes.length / 1e6).toFixed(2)} MB${needed ? `, needs glibc ${needed}` : ''}`);
  const wrong = [];
  if (paths.length > 0) wrong.push(`names ${paths.length} paths of the machine that built it, such as ${paths[0]}`);
  if (glibc && needed && newestFirst(needed, glibc) < 0) wrong.push(`needs glibc ${needed}, newer than ${glibc}`);
  return wrong.map((what) => `${path.basename(file)} ${what}`);
}

function cli(args) {
  const at = args.indexOf('--glibc');
  const [, glibc] = at < 0 ? [] : args.splice(at, 2);
  if (args.length === 0) throw new Failure('Usage: node scripts/inspect-binary.js <file>... [--glibc version]');
  const wrong = args.flatMap((file) => inspect(file, glibc));
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
}

if (require.main === module) main(() => cli(process.argv.slice(2)));

module.exports = { glibcNeeded, pathsOfTheBuild };
