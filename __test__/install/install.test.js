'use strict';

// From the registry into an empty folder: what users install is what works. The registry is one of our own, on loopback.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ask, which } = require('../../scripts/command');
const { codeBlocks } = require('../../scripts/markdown');
const { pack, platformPackages } = require('../../scripts/pack');
const { withEtcd } = require('../support/etcd');
const { after, before, describe, test } = require('../support/test');
const { startRegistry } = require('./registry');

const ROOT = path.join(__dirname, '..', '..');
const TOOLS = path.join(__dirname, 'node_modules');
const PROGRAMS = path.join(__dirname, 'programs');
const { version } = require('../../package.json');
const ours = platformPackages().find(({ binary }) => binary);

const NPM = path.join(path.dirname(fs.realpathSync(which('npm'))), 'npm-cli.js');
const PNPM = path.join(TOOLS, 'pnpm', 'bin', 'pnpm.cjs');
const YARN_CLASSIC = path.join(TOOLS, 'yarn', 'bin', 'yarn.js');
const YARN = path.join(TOOLS, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js');
const TSC = path.join(TOOLS, 'typescript', 'bin', 'tsc');

const etcd = withEtcd();
let home;
let registry;
let environment;

/** What a user's shell has, and no more: no settings of the npm that runs these tests, and no compiler on the PATH. */
function bareEnvironment() {
  const bin = path.join(home, 'bin');
  fs.mkdirSync(bin);
  fs.symlinkSync(process.execPath, path.join(bin, 'node'));
  for (const tool of ['sh', 'env', 'uname']) if (which(tool)) fs.symlinkSync(which(tool), path.join(bin, tool));
  return { PATH: bin, HOME: home, TMPDIR: os.tmpdir(), CI: 'true', NO_UPDATE_NOTIFIER: '1' };
}

function runNode(cwd, args, what = args.map((arg) => path.basename(arg)).join(' ')) {
  const { ok, output, stdout } = ask(process.execPath, args, { cwd, env: environment, timeout: 120_000 });
  assert.ok(ok, `${what} failed:\n${output}`);
  return stdout;
}

/** The archives of this checkout. Other platforms' binaries are not at hand; nothing that is not one may be installed. */
function archives() {
  const binaries = path.join(home, 'binaries');
  fs.mkdirSync(binaries);
  for (const { manifest, binary } of platformPackages()) {
    const file = path.join(binaries, manifest.main);
    if (binary) fs.copyFileSync(binary, file);
    else fs.writeFileSync(file, 'the binary of another platform\n');
  }
  const { main, platforms } = pack(path.join(home, 'archives'), { all: true, binaries });
  return [...Object.values(platforms), main];
}

before(async () => {
  assert.ok(fs.existsSync(TOOLS), 'the package managers are not there: `npm test` installs them');
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-install-'));
  registry = await startRegistry(path.join(home, 'registry'));
  environment = bareEnvironment();
  const address = registry.url.replace(/^http:/, '');
  fs.writeFileSync(
    path.join(home, '.npmrc'),
    [
      `registry=${registry.url}`,
      `${address}:_authToken=anybody`,
      `cache=${home}/cache`,
      'audit=false',
      'fund=false',
    ].join('\n'),
  );
  // The types of Node that the TypeScript programs need, where only they look for them.
  fs.mkdirSync(path.join(home, 'node_modules'));
  for (const name of ['@types', 'undici-types']) {
    fs.symlinkSync(path.join(ROOT, 'node_modules', name), path.join(home, 'node_modules', name));
  }
  for (const archive of archives()) runNode(home, [NPM, 'publish', '--ignore-scripts', archive]);
});

after(async () => {
  await registry?.stop();
  if (home) fs.rmSync(home, { recursive: true, force: true });
});

/** An empty project in which these commands are run. */
function project(name, commands, files = {}) {
  const folder = path.join(home, name);
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
  for (const command of commands) runNode(folder, command);
  return folder;
}

/** Every file below a folder, those behind links not counted. */
function filesBelow(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(file) : entry.isFile() ? [file] : [];
  });
}

/** The names of what was installed. Of the main package it is always its own name, also where it stands for another. */
function installed(folder) {
  const manifests = filesBelow(path.join(folder, 'node_modules')).filter(
    (file) => path.basename(file) === 'package.json',
  );
  return manifests.map((file) => JSON.parse(fs.readFileSync(file, 'utf8')).name).sort();
}

const PAIR = [ours.manifest.name, 'node-etcd-native'];

/** Nothing was built: the one binary there is, is the one that was published. */
function assertBinaryAsPublished(folder) {
  const binaries = filesBelow(path.join(folder, 'node_modules')).filter((file) => file.endsWith('.node'));
  assert.deepEqual(
    binaries.map((file) => path.basename(file)),
    [ours.manifest.main],
  );
  assert.ok(fs.readFileSync(binaries[0]).equals(fs.readFileSync(ours.binary)));
}

/** Puts a program into a project; all say `node-etcd`, for what is installed under another name it is replaced. */
function program(folder, file, name = 'node-etcd') {
  const text = fs.readFileSync(path.join(PROGRAMS, file), 'utf8').replaceAll("'node-etcd'", `'${name}'`);
  fs.writeFileSync(path.join(folder, file), text);
  return file;
}

function assertWorks(folder, name) {
  for (const file of ['drop-in.cjs', 'drop-in.mjs']) {
    assert.equal(runNode(folder, [program(folder, file, name), etcd.host]), 'works\n');
  }
}

const ALIAS = `node-etcd@npm:node-etcd-native@${version}`;

describe('npm install', () => {
  let aliased;

  test('under its own name: two packages, nothing compiled, programs run', () => {
    const folder = project('plain', [[NPM, 'install', 'node-etcd-native']]);
    assert.deepEqual(installed(folder), PAIR);
    assertBinaryAsPublished(folder);
    assertWorks(folder, 'node-etcd-native');
  });

  test('under its own name: the quick start of the README runs as it is written', () => {
    const programs = codeBlocks('README.md', ['js']).filter(({ heading }) => heading === 'Quick start');
    assert.ok(programs.length > 0);
    for (const { code, nth } of programs) {
      const file = `quick-start-${nth}.${/^import /m.test(code) ? 'mjs' : 'js'}`;
      fs.writeFileSync(path.join(home, 'plain', file), code);
      assert.match(runNode(path.join(home, 'plain'), [file]), /^red\n/);
    }
  });

  test('in place of node-etcd: two packages, nothing compiled, programs run unchanged', () => {
    aliased = project('alias', [[NPM, 'install', 'node-etcd@npm:node-etcd-native']]);
    assert.deepEqual(installed(aliased), PAIR);
    assertBinaryAsPublished(aliased);
    assertWorks(aliased);
  });

  test('brings the command, under either name', () => {
    for (const folder of [path.join(home, 'plain'), aliased]) {
      const run = [NPM, 'exec', '--offline', '--', 'node-etcd-native', '--version'];
      assert.equal(runNode(folder, run), `${version}\n`);
    }
  });

  test('leaves a tree that npm has nothing to say against', () => {
    const tree = JSON.parse(runNode(aliased, [NPM, 'ls', '--all', '--json']));
    assert.deepEqual([tree.problems, tree.invalid], [undefined, undefined]);
    assert.equal(tree.dependencies['node-etcd'].version, version);
  });

  test('leaves a lock file from which `npm ci` makes the same tree', () => {
    runNode(aliased, [NPM, 'ci']);
    assert.deepEqual(installed(aliased), PAIR);
    assertBinaryAsPublished(aliased);
  });

  test('takes less than 9 MB', { skip: process.env.ADDON_BUILD === 'debug' && 'a debug build is larger' }, () => {
    const bytes = filesBelow(path.join(aliased, 'node_modules')).reduce((sum, file) => sum + fs.statSync(file).size, 0);
    assert.ok(bytes < 9e6, `${bytes} bytes`);
  });

  test('with --ignore-scripts is the same', () => {
    const folder = project('no-scripts', [[NPM, 'install', '--ignore-scripts', 'node-etcd@npm:node-etcd-native']]);
    assert.deepEqual(installed(folder), PAIR);
    assertWorks(folder);
  });

  test('with --omit=optional has no binary, which require explains', () => {
    const folder = project('omit', [[NPM, 'install', '--omit=optional', 'node-etcd-native']]);
    assert.deepEqual(installed(folder), ['node-etcd-native']);
    const { ok, output } = ask(process.execPath, ['-e', "require('node-etcd-native')"], {
      cwd: folder,
      env: environment,
    });
    assert.equal(ok, false);
    assert.match(output, /has no binary that can be loaded here[\s\S]*without --omit=optional/);
  });

  // The declarations themselves are checked once: with those of Node that takes a while.
  const TYPESCRIPT = [
    { args: ['--module', 'commonjs', '--moduleResolution', 'node10', '--skipLibCheck'], files: ['drop-in.cts'] },
    { args: ['--module', 'node16'], files: ['drop-in.cts', 'drop-in.mts'] },
    { args: ['--module', 'es2022', '--moduleResolution', 'bundler', '--skipLibCheck'], files: ['drop-in.mts'] },
  ];
  const STRICT = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2022'];
  for (const { args, files } of TYPESCRIPT) {
    test(`serves strict TypeScript with ${args.join(' ')}`, () => {
      for (const file of files) program(aliased, file);
      runNode(aliased, [TSC, ...STRICT, '--types', 'node', ...args, ...files]);
      for (const compiled of files.map((file) => file.replace(/ts$/, 'js'))) {
        assert.equal(runNode(aliased, [compiled, etcd.host]), 'works\n');
        fs.rmSync(path.join(aliased, compiled));
      }
    });
  }
});

test('pnpm install: two packages, programs run', () => {
  const folder = project('pnpm', [[PNPM, 'add', ALIAS, '--store-dir', path.join(home, 'store')]]);
  assert.deepEqual(installed(folder), PAIR);
  assertBinaryAsPublished(folder);
  assertWorks(folder);
});

describe('yarn install', () => {
  const settings = (linker) => ({
    'yarn.lock': '',
    '.yarnrc.yml': [
      `npmRegistryServer: ${registry.url}`,
      'unsafeHttpWhitelist: [127.0.0.1]',
      'enableTelemetry: false',
      'enableImmutableInstalls: false',
      'enableGlobalCache: false',
      'npmMinimalAgeGate: 0', // it refuses what is younger than a day
      `nodeLinker: ${linker}`,
    ].join('\n'),
  });

  test('of today: two packages, programs run', () => {
    const folder = project('yarn', [[YARN, 'add', ALIAS]], settings('node-modules'));
    assert.deepEqual(installed(folder), PAIR);
    assertBinaryAsPublished(folder);
    assertWorks(folder);
  });

  test("of today, with Plug'n'Play: programs run", () => {
    const folder = project('yarn-pnp', [[YARN, 'add', ALIAS]], settings('pnp'));
    const file = program(folder, 'drop-in.cjs');
    assert.equal(runNode(folder, ['--require', './.pnp.cjs', file, etcd.host]), 'works\n');
  });

  test('1: programs run; it knows no libc, and installs the binaries for both of Linux', () => {
    const folder = project('yarn-1', [[YARN_CLASSIC, 'add', ALIAS, '--cache-folder', path.join(home, 'yarn-cache')]]);
    const fits = ({ manifest }) => manifest.os[0] === process.platform && manifest.cpu[0] === process.arch;
    const names = platformPackages()
      .filter(fits)
      .map(({ manifest }) => manifest.name);
    assert.deepEqual(installed(folder), [...names, 'node-etcd-native'].sort());
    assertWorks(folder);
  });
});
