#!/usr/bin/env node
'use strict';

// npm run pack: the packages as they are published, as archives in a folder (dist/ if none is named): the main one, and
// one for each platform whose binary is there, with its size, by which lib/addon.js knows one that was cut, and with the
// licences of what is in it.
//   npm run pack -- [folder] [--binaries folder] [--all]
//       --binaries: where the binaries are, instead of the checkout        --all: fails if a platform's is missing
//
// `napi pre-publish` would do it in the checkout and publish from there. These archives can be tested first.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { thirdPartyLicences } = require('./licences');
const { ROOT } = require('./setup');
const { Failure, ask, main, say } = require('./command');

const LICENCES = 'THIRD-PARTY-LICENSES';

const readManifest = (folder) => JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));

/** The packages under npm/: { folder, manifest, binary }, the binary's path undefined where it was not built. */
function platformPackages(binaries = ROOT) {
  const parent = path.join(ROOT, 'npm');
  return fs.readdirSync(parent).map((name) => {
    const folder = path.join(parent, name);
    const manifest = readManifest(folder);
    const binary = path.join(binaries, manifest.main);
    return { folder, manifest, binary: fs.existsSync(binary) ? binary : undefined };
  });
}

/** npm's statement of provenance needs to know the repository; the workflow that publishes knows it. */
function repository() {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
  return GITHUB_REPOSITORY && { repository: { type: 'git', url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` } };
}

/** What the main package says of itself once published: nothing about its development. */
function publishedManifest(platforms) {
  const { scripts, devDependencies, overrides, napi, tsd, ...rest } = readManifest(ROOT);
  const optionalDependencies = Object.fromEntries(platforms.map(({ manifest }) => [manifest.name, rest.version]));
  return { ...rest, ...repository(), optionalDependencies };
}

/** What a platform's package says of itself once published. */
function platformManifest({ manifest, binary }) {
  return { ...manifest, ...repository(), files: [...manifest.files, LICENCES], binarySize: fs.statSync(binary).size };
}

/** The target that a folder under npm/ is for. */
function targetOf(name) {
  // Required here, as a clean checkout has it only after `npm install`.
  const { parseTriple } = require('@napi-rs/cli');
  return readManifest(ROOT).napi.targets.find((target) => parseTriple(target).platformArchABI === name);
}

/** Lays a package out in a folder of its own and packs it. Returns the archive's path. */
function packOne(stage, manifest, files, destination) {
  fs.mkdirSync(stage, { recursive: true });
  for (const file of files) fs.cpSync(file, path.join(stage, path.basename(file)), { recursive: true });
  fs.writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', destination];
  const { ok, output, stdout } = ask('npm', args, { cwd: stage, shell: process.platform === 'win32' });
  if (!ok) throw new Failure(`npm pack failed for ${manifest.name}: ${output.trim()}`);
  const [{ filename }] = JSON.parse(stdout);
  return path.join(destination, filename);
}

/** Packs everything. Returns { main, platforms }, the paths of the archives, those of platforms by their folders' names. */
function pack(destination, { all = false, binaries } = {}) {
  const platforms = platformPackages(binaries);
  const missing = platforms.filter(({ binary }) => !binary).map(({ manifest }) => manifest.main);
  if (all && missing.length > 0) throw new Failure(`These binaries are missing: ${missing.join(', ')}`);
  fs.mkdirSync(destination, { recursive: true });
  const stages = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-pack-'));
  const inRoot = (names) => names.map((name) => path.join(ROOT, name));
  try {
    const published = publishedManifest(platforms);
    const archives = { main: '', platforms: {} };
    archives.main = packOne(
      path.join(stages, 'main'),
      published,
      inRoot([...published.files, 'README.md', 'LICENSE']),
      destination,
    );
    for (const platform of platforms.filter(({ binary }) => binary)) {
      const name = path.basename(platform.folder);
      const licences = path.join(stages, LICENCES);
      fs.writeFileSync(licences, thirdPartyLicences(targetOf(name)));
      const files = [platform.binary, path.join(platform.folder, 'README.md'), path.join(ROOT, 'LICENSE'), licences];
      archives.platforms[name] = packOne(path.join(stages, name), platformManifest(platform), files, destination);
    }
    return archives;
  } finally {
    fs.rmSync(stages, { recursive: true, force: true });
  }
}

function cli(args) {
  const { values, positionals } = parseArgs({
    args,
    options: { all: { type: 'boolean' }, binaries: { type: 'string' } },
    allowPositionals: true,
  });
  const archives = pack(path.resolve(positionals[0] ?? path.join(ROOT, 'dist')), values);
  for (const file of [archives.main, ...Object.values(archives.platforms)]) {
    say(`${path.relative(process.cwd(), file)}: ${(fs.statSync(file).size / 1e6).toFixed(2)} MB`);
  }
}

if (require.main === module) main(() => cli(process.argv.slice(2)));

module.exports = { pack, platformManifest, platformPackages };
