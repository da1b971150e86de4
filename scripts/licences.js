'use strict';

// The licence texts of the crates that are compiled into a binary, as its package ships them. cargo knows the crates;
// their own files are the texts. cargo-about would do it with a template and minutes of compiling.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask } = require('./command');
const { ROOT, ensureRust } = require('./setup');

const LICENCE_FILE = /^(licen[cs]es?|copying|copyright|notice|unlicense)([-_.](?!rs$|html$|py$|c$|h$).*)?$/i;
const RULE = `\n${'-'.repeat(80)}\n\n`;

function cargo(args) {
  const { ok, output, stdout } = ask('cargo', args, { cwd: ROOT, maxBuffer: 2 ** 28 });
  if (!ok) throw new Failure(`\`cargo ${args[0]}\` failed: ${output.trim()}`);
  return stdout;
}

/** What is linked in for a target, as `name v1.2.3`: nothing that only builds or tests. */
function linkedCrates(target) {
  const args = ['tree', '--locked', '--target', target, '--edges', 'normal,no-proc-macro'];
  const lines = cargo([...args, '--prefix', 'none', '--no-dedupe', '--format', '{p}'])
    .trim()
    .split('\n');
  const [own, ...others] = lines.map((line) => line.split(' ').slice(0, 2).join(' '));
  return new Set(others.filter((crate) => crate !== own));
}

/** cargo's description of these crates, with the folder of each. */
function describe(crates, target) {
  const { packages } = JSON.parse(
    cargo(['metadata', '--locked', '--format-version', '1', '--filter-platform', target]),
  );
  return packages
    .filter(({ name, version }) => crates.has(`${name} v${version}`))
    .map((crate) => ({ ...crate, folder: path.dirname(crate.manifest_path) }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** The files of a folder that are licences, in all its depth: sources in C come with their own. */
function licenceFiles(folder) {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return licenceFiles(file);
      return entry.isFile() && LICENCE_FILE.test(entry.name) ? [file] : [];
    })
    .sort();
}

/** For a crate that ships no text and says that its licence is MIT: that licence, in the names of its authors. */
function mitOf({ name, license, authors }) {
  if (!license?.split(/ OR |\//).includes('MIT'))
    throw new Failure(`The crate ${name} (${license}) has no licence text`);
  const [, terms] = fs.readFileSync(path.join(ROOT, 'LICENSE'), 'utf8').split(/^Copyright .*\n/m);
  const holders = authors.length > 0 ? authors.join(', ') : `the authors of ${name}`;
  return `MIT License\n\nCopyright (c) ${holders}\n${terms}`.trim();
}

function withTexts(crate) {
  const files = licenceFiles(crate.folder).map((file) => fs.readFileSync(file, 'utf8').trim());
  return { name: `${crate.name} ${crate.version}`, texts: files.length > 0 ? files : [mitOf(crate)] };
}

/** Part of every binary, though no crate that cargo knows. */
const STANDARD_LIBRARY = {
  name: 'the standard library of Rust',
  texts: [mitOf({ name: 'Rust', license: 'MIT OR Apache-2.0', authors: ['The Rust Project Contributors'] })],
};

/** The text of the file THIRD-PARTY-LICENSES for a target: each licence once, under the names of its crates. */
function thirdPartyLicences(target) {
  ensureRust();
  const crates = describe(linkedCrates(target), target);
  const licences = new Map();
  for (const { name, texts } of [STANDARD_LIBRARY, ...crates.map(withTexts)]) {
    for (const text of texts) {
      // Many differ in nothing but blanks and line ends.
      const key = text.replace(/\s+/g, ' ');
      if (!licences.has(key)) licences.set(key, { text, names: new Set() });
      licences.get(key).names.add(name);
    }
  }
  const head = [
    'The binary of node-etcd-native has these crates and the standard library of Rust in it, under the licences that follow.\n',
    ...crates.map(({ name, version, license, repository }) =>
      `${name} ${version} (${license}) ${repository ?? ''}`.trim(),
    ),
  ];
  const parts = [...licences.values()].map(({ text, names }) => `${[...names].join(', ')}:\n\n${text}\n`);
  return [`${head.join('\n')}\n`, ...parts].join(RULE);
}

module.exports = { thirdPartyLicences };
