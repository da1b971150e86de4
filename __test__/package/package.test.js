'use strict';

// What is published: names, versions, files, and what can be seen in the binary.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { glibcNeeded, pathsOfTheBuild } = require('../../scripts/inspect-binary');
const { pack, platformPackages } = require('../../scripts/pack');

const ROOT = path.join(__dirname, '..', '..');
const read = (...names) => fs.readFileSync(path.join(ROOT, ...names), 'utf8');
const manifest = JSON.parse(read('package.json'));

const PLATFORMS = {
  'x86_64-unknown-linux-gnu': { name: 'linux-x64-gnu', os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  'x86_64-unknown-linux-musl': { name: 'linux-x64-musl', os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  'aarch64-unknown-linux-gnu': { name: 'linux-arm64-gnu', os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  'aarch64-unknown-linux-musl': { name: 'linux-arm64-musl', os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
  'x86_64-apple-darwin': { name: 'darwin-x64', os: ['darwin'], cpu: ['x64'] },
  'aarch64-apple-darwin': { name: 'darwin-arm64', os: ['darwin'], cpu: ['arm64'] },
  'x86_64-pc-windows-msvc': { name: 'win32-x64-msvc', os: ['win32'], cpu: ['x64'] },
  'aarch64-pc-windows-msvc': { name: 'win32-arm64-msvc', os: ['win32'], cpu: ['arm64'] },
};

describe('the packages of the platforms', () => {
  test('are those that are built', () => {
    assert.deepEqual([...manifest.napi.targets].sort(), Object.keys(PLATFORMS).sort());
    const folders = Object.values(PLATFORMS).map(({ name }) => name);
    assert.deepEqual(fs.readdirSync(path.join(ROOT, 'npm')).sort(), folders.sort());
  });

  for (const { name, ...where } of Object.values(PLATFORMS)) {
    test(`${name}: is installed there alone, has the binary that the loader asks for, and nothing to run`, () => {
      const { description, engines, license, ...rest } = JSON.parse(read('npm', name, 'package.json'));
      const binary = `node-etcd-native.${name}.node`;
      const id = `@node-etcd-native/binding-${name}`;
      assert.deepEqual(rest, { name: id, version: manifest.version, main: binary, files: [binary], ...where });
      assert.deepEqual([engines, license], [manifest.engines, manifest.license]);
      assert.match(read('npm', name, 'README.md'), new RegExp(`^# ${id}\n`));
      const places = read('lib', 'binaries.js');
      assert.ok(places.includes(`require('../${binary}')`) && places.includes(`require('${id}')`));
    });
  }
});

test('the crate, the lock files and the changelog are at the version of the package', () => {
  const crate = (text) => new RegExp(`name = "node-etcd-native"\nversion = "${manifest.version}"`).test(text);
  assert.ok(crate(read('Cargo.toml')) && crate(read('Cargo.lock')));
  const lock = JSON.parse(read('package-lock.json'));
  assert.deepEqual([lock.version, lock.packages[''].version], [manifest.version, manifest.version]);
  assert.match(read('CHANGELOG.md'), new RegExp(`^## ${manifest.version.replaceAll('.', '\\.')} `, 'm'));
});

describe('the archives for the registry', () => {
  let folder;
  let archives;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-archives-'));
    archives = pack(folder);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const tar = (...args) => execFileSync('tar', args, { encoding: 'utf8' });
  const filesOf = (archive) => tar('-tzf', archive).trim().split('\n').sort();
  const manifestOf = (archive) => JSON.parse(tar('-xzOf', archive, 'package/package.json'));

  test('hold these files and no others', () => {
    const list = (...names) =>
      ['LICENSE', 'README.md', 'package.json', ...names].map((name) => `package/${name}`).sort();
    const modules = ['bin', 'lib', 'lib/cli'].flatMap((folder) => {
      const entries = fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => `${folder}/${name}`);
    });
    assert.ok(modules.every((name) => name.endsWith('.js')));
    assert.deepEqual(filesOf(archives.main), list('index.d.mts', 'index.d.ts', 'index.js', 'index.mjs', ...modules));
    for (const [name, archive] of Object.entries(archives.platforms)) {
      assert.deepEqual(filesOf(archive), list('THIRD-PARTY-LICENSES', `node-etcd-native.${name}.node`));
    }
    assert.ok(Object.keys(archives.platforms).length > 0);
  });

  test('those with a binary say how large that is', () => {
    for (const [name, archive] of Object.entries(archives.platforms)) {
      const { main, binarySize } = manifestOf(archive);
      assert.equal(main, `node-etcd-native.${name}.node`);
      assert.equal(binarySize, fs.statSync(path.join(ROOT, main)).size);
    }
  });

  test('those with a binary have the licence of each crate in it, and of the C libraries in those', () => {
    for (const archive of Object.values(archives.platforms)) {
      const text = tar('-xzOf', archive, 'package/THIRD-PARTY-LICENSES');
      const [crates, ...licences] = text.split(/\n-{80}\n/);
      const named = licences.flatMap((licence) => licence.trim().split(':\n')[0].split(', '));
      const listed = crates.match(/^\S+ \d\S+(?= \()/gm);
      assert.ok(listed.length > 100, `${listed.length} crates`);
      assert.deepEqual([...new Set(named)].sort(), [...listed, 'the standard library of Rust'].sort());
      for (const direct of ['napi', 'tokio', 'hyper', 'rustls', 'serde_json', 'thiserror']) {
        assert.ok(
          listed.some((crate) => crate.startsWith(`${direct} `)),
          direct,
        );
      }
      assert.match(text, /Permission is hereby granted, free of charge/);
      assert.match(text, /Apache License\s+Version 2\.0, January 2004/);
      assert.match(text, /Microsoft Corporation, Daan Leijen/); // mimalloc, in C
      assert.doesNotMatch(crates, /^(syn|quote|proc-macro2|proptest|cc|node-etcd-native) /m);
    }
  });

  test('the main one depends on the binaries of its own version and on nothing else, and runs no script', () => {
    const published = manifestOf(archives.main);
    const { optionalDependencies, dependencies, devDependencies, peerDependencies, scripts } = published;
    assert.deepEqual([dependencies, devDependencies, peerDependencies, scripts], Array(4).fill(undefined));
    const names = Object.values(PLATFORMS).map(({ name }) => [`@node-etcd-native/binding-${name}`, manifest.version]);
    assert.deepEqual(optionalDependencies, Object.fromEntries(names.sort()));
    for (const field of ['name', 'version', 'license', 'main', 'types', 'exports', 'engines']) {
      assert.deepEqual(published[field], manifest[field]);
    }
  });
});

describe('the binary', () => {
  const binaries = platformPackages().flatMap(({ binary }) => binary ?? []);
  const skip = process.env.ADDON_BUILD === 'debug' && 'a debug build does';

  test('names no folder of the machine that built it', { skip }, () => {
    for (const file of binaries) assert.deepEqual(pathsOfTheBuild(fs.readFileSync(file)), []);
  });

  test('is looked at by a check that finds such folders, and the version of glibc', () => {
    const text = (...lines) => Buffer.from(`\0${lines.join('\0')}\0`);
    const found = [`${ROOT}/Cargo.toml`, '/far/away/x.rs:1:2', 'D:\\far\\x.c', '.cargo/registry'];
    const harmless = [
      'a',
      'crates/x-1.0.0/src/lib.rs',
      '/rustc/0a1b/library/std/src/time.rs',
      '/proc/self/cgroup.controllers',
    ];
    assert.deepEqual(pathsOfTheBuild(text(...harmless, ...found)).sort(), found.sort());
    assert.equal(glibcNeeded(text('GLIBC_2.2.5', 'GLIBC_2.17', 'GLIBC_2.4', 'libc.so.6')), '2.17');
    assert.equal(glibcNeeded(text('libc.musl-x86_64.so.1')), undefined);
    if (process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime) {
      assert.match(glibcNeeded(fs.readFileSync(process.execPath)), /^2\.\d+$/);
    }
  });
});
