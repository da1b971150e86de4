'use strict';

// What `require` says when no binary can be loaded.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { platformManifest, platformPackages } = require('../../scripts/pack');
const { printedBy, runScript } = require('../support/node-script');

const ROOT = path.join(__dirname, '..', '..');
const BINARY = fs.readdirSync(ROOT).find((name) => name.endsWith('.node'));

let folder;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-loading-'));
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The package in a folder of its own, with these bytes in place of its binary. */
function copyOfPackage(name, bytes) {
  const copy = path.join(folder, name);
  fs.mkdirSync(copy);
  for (const part of ['index.js', 'index.mjs', 'package.json', 'lib']) {
    fs.cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
  }
  if (bytes !== undefined) fs.writeFileSync(path.join(copy, BINARY), bytes);
  return copy;
}

/** The package as it is installed: its binary in a package of its own, which says so many bytes. */
function installed(name, bytes, binarySize) {
  const copy = copyOfPackage(name);
  const platform = platformPackages().find(({ manifest }) => manifest.main === BINARY);
  const place = path.join(copy, 'node_modules', platform.manifest.name);
  fs.mkdirSync(place, { recursive: true });
  fs.writeFileSync(path.join(place, 'package.json'), JSON.stringify({ ...platformManifest(platform), binarySize }));
  fs.writeFileSync(path.join(place, BINARY), bytes);
  return copy;
}

const REQUIRE = `
  try {
    require(process.argv[1]);
  } catch (err) {
    console.log(JSON.stringify({ code: err.code, message: err.message, cause: Boolean(err.cause) }));
  }`;

function failureOf(place, { source = REQUIRE, env, execArgv } = {}) {
  return printedBy(source, { args: [place], execArgv, env: { NAPI_RS_NATIVE_LIBRARY_PATH: '', ...env } });
}

function assertReadable({ code, message, cause }, complaint) {
  assert.equal(code, 'ERR_NATIVE_BINARY');
  assert.equal(cause, true);
  assert.match(message, /^node-etcd-native has no binary that can be loaded here\.\n/);
  assert.match(message, new RegExp(`This is: +${process.platform} ${process.arch}.*Node\\.js \\d+\\.\\d+\\.\\d+`));
  assert.match(
    message,
    /Supported: +Node\.js 18 or newer on Linux x64 and arm64 .*, macOS x64 and arm64, Windows x64 and arm64/,
  );
  assert.match(message, /`npm run build`/);
  const [, complaints] = /What went wrong:\n((?: {2}- .*\n)+)/.exec(message) ?? assert.fail(message);
  assert.match(complaints, complaint);
}

/** The real binary, said to be for another processor: e_machine of an ELF file, the CPU type of Mach-O, PE's machine. */
function ofAnotherArchitecture() {
  const bytes = fs.readFileSync(path.join(ROOT, BINARY));
  const offset = { linux: 18, darwin: 4, win32: bytes.readUInt32LE(0x3c) + 4 }[process.platform];
  bytes.writeUInt16LE(0x00f3, offset); // RISC-V
  return bytes;
}

describe('require fails with one readable error', () => {
  test('without a binary', async () => {
    const failure = await failureOf(copyOfPackage('missing'));
    assertReadable(
      failure,
      /Cannot find module '\.\.\/node-etcd-native\..*\.node'\n.*Cannot find module '@node-etcd-native\/binding-/,
    );
  });

  test('in an ES module too', async () => {
    const { code, stderr } = await runScript(path.join(copyOfPackage('esm'), 'index.mjs'));
    assert.equal(code, 1);
    assert.match(stderr, /^Error: node-etcd-native has no binary that can be loaded here\.\n {2}This is:/m);
  });

  // In a checkout not those cut off further on: the system's loader dies of them, and nobody has said how large they are.
  const start = () => fs.readFileSync(path.join(ROOT, BINARY)).subarray(0, 100);
  for (const [name, bytes] of [
    ['an empty file', () => ''],
    ['no library', () => 'not a library\n'],
    ['only the start of one', start],
  ]) {
    test(`with a damaged binary: ${name}`, async () => {
      assertReadable(await failureOf(copyOfPackage(name, bytes())), new RegExp(BINARY));
    });
  }

  test('with a binary that was cut, though nobody could load it and live', async () => {
    const bytes = fs.readFileSync(path.join(ROOT, BINARY));
    const half = bytes.subarray(0, bytes.length / 2);
    const failure = await failureOf(installed('cut', half, bytes.length));
    assertReadable(
      failure,
      new RegExp(`${BINARY} has ${half.length} bytes instead of ${bytes.length}: install it again`),
    );
  });

  test('where addons are not allowed, and names the option that allows them', async (t) => {
    // Of Node 20 and newer; its name changed.
    const permission = ['--permission', '--experimental-permission'].find((name) =>
      process.allowedNodeEnvironmentFlags.has(name),
    );
    if (!process.allowedNodeEnvironmentFlags.has('--allow-addons')) t.diagnostic('this Node has no permission model');
    else {
      const execArgv = [permission, '--allow-fs-read=*'];
      const failure = await failureOf(ROOT, { execArgv });
      assertReadable(failure, /loading addons is disabled/);
      assert.match(failure.message, /Node's permission model allows it by --allow-addons/);
      const source = 'console.log(JSON.stringify(new (require(process.argv[1]))("h:1").getHosts()))';
      const allowed = { args: [ROOT], execArgv: [...execArgv, '--allow-addons'] };
      assert.deepEqual(await printedBy(source, allowed), ['http://h:1']);
    }
    assertReadable(await failureOf(ROOT, { execArgv: ['--no-addons'] }), /loading addons is disabled/);
  });

  test('with a binary of another architecture', async () => {
    assertReadable(await failureOf(copyOfPackage('architecture', ofAnotherArchitecture())), new RegExp(BINARY));
  });

  test('if NAPI_RS_NATIVE_LIBRARY_PATH leads nowhere, and nothing else is tried', async () => {
    const env = { NAPI_RS_NATIVE_LIBRARY_PATH: path.join(folder, 'nowhere.node') };
    assertReadable(await failureOf(ROOT, { env }), /^ {2}- Cannot find module '.*nowhere\.node'\n$/);
  });

  test('if NAPI_RS_NATIVE_LIBRARY_PATH leads to something else', async () => {
    const other = path.join(folder, 'other.js');
    fs.writeFileSync(other, 'module.exports = {};');
    const failure = await failureOf(ROOT, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: other } });
    assertReadable(failure, /^ {2}- What was loaded is not the binary of node-etcd-native\n$/);
  });

  test('under a Node.js that is too old', async () => {
    const pretend = (version) => `
      Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });${REQUIRE}`;
    const failure = await failureOf(ROOT, { source: pretend('16.20.2') });
    assertReadable(failure, /^ {2}- Node\.js 16\.20\.2 is too old: 18 is the oldest that works\n$/);
    assert.match(failure.message, /Node\.js 16\.20\.2\n/);
  });
});

describe('an installed binary is loaded', () => {
  const HOSTS = 'console.log(JSON.stringify(new (require(process.argv[1]))("h:1").getHosts()))';
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: '' };
  const bytes = () => fs.readFileSync(path.join(ROOT, BINARY));

  test('when it is as large as its package says, or that does not say', async () => {
    for (const [name, size] of [
      ['whole', bytes().length],
      ['unsaid', undefined],
    ]) {
      assert.deepEqual(await printedBy(HOSTS, { args: [installed(name, bytes(), size)], env }), ['http://h:1']);
    }
  });

  test('also beside a cut one for the other C library', { skip: process.platform !== 'linux' }, async () => {
    const copy = installed('both', bytes(), bytes().length);
    const scope = path.join(copy, 'node_modules', '@node-etcd-native');
    const [own] = fs.readdirSync(scope);
    const other = path.join(scope, own.endsWith('-gnu') ? own.replace(/gnu$/, 'musl') : own.replace(/musl$/, 'gnu'));
    fs.cpSync(path.join(scope, own), other, { recursive: true });
    fs.truncateSync(path.join(other, BINARY), 100_000);
    assert.deepEqual(await printedBy(HOSTS, { args: [copy], env }), ['http://h:1']);
  });
});

test('NAPI_RS_NATIVE_LIBRARY_PATH names the binary to load', async () => {
  const place = copyOfPackage('elsewhere');
  const source = 'console.log(JSON.stringify(new (require(process.argv[1]))("h:1").getHosts()))';
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: path.join(ROOT, BINARY) };
  assert.deepEqual(await printedBy(source, { args: [place], env }), ['http://h:1']);
});
