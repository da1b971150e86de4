'use strict';

// Certificates for tests, made by openssl: a certificate authority, servers of all kinds, and clients.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const PASSPHRASE = 'open sesame';
const HOSTS = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
const AUTHORITY = 'basicConstraints=critical,CA:TRUE';
const CLIENT = 'extendedKeyUsage=clientAuth';

const curve = (name) => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${name}`];

/** How openssl makes a key of each kind. */
const KINDS = {
  p256: curve('P-256'),
  p384: curve('P-384'),
  p521: curve('P-521'),
  rsa: ['-newkey', 'rsa:2048'],
  ed25519: ['-newkey', 'ed25519'],
};
const SHORT = ['-newkey', 'rsa:1024'];

/** openssl's command for the format that a kind of key had before PKCS#8, if there was one. */
const OLD_FORMAT = { p256: ['ec'], p384: ['ec'], p521: ['ec'], rsa: ['rsa', '-traditional'] };

/** A certificate authority, as ca.pem, in a temporary folder with what it signs. */
class Authority {
  constructor(name) {
    this.path = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-certificates-'));
    this.selfSigned('ca', AUTHORITY, name);
  }

  openssl(...args) {
    execFileSync('openssl', args, { cwd: this.path, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Makes <name>.pem and <name>-key.pem, a certificate that signs itself. */
  selfSigned(name, extension, subject = name) {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.pem`, '-days', '2'];
    this.openssl('req', '-x509', ...KINDS.p256, '-nodes', ...files, '-subj', `/CN=${subject}`, '-addext', extension);
  }

  /** Makes <name>.pem and <name>-key.pem, a certificate that the authority signs, or another, or it itself. */
  issue(name, extension, { key = KINDS.p256, days = '2', by = 'ca', subject = name } = {}) {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.csr`];
    this.openssl('req', ...key, '-nodes', ...files, '-subj', `/CN=${subject}`);
    fs.writeFileSync(this.file(`${name}.ext`), `${extension}\n`);
    const signer =
      by === name
        ? ['-signkey', `${name}-key.pem`]
        : ['-CA', `${by}.pem`, '-CAkey', `${by}-key.pem`, '-CAcreateserial'];
    // Without an extension it is of version 1.
    if (extension) signer.push('-extfile', `${name}.ext`);
    this.openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-days', days, '-out', `${name}.pem`);
  }

  /** Makes a client, and its key in the other formats that there are (see makeCertificates). */
  issueClient(name, kind) {
    this.issue(name, CLIENT, { key: KINDS[kind] });
    const key = ['-in', `${name}-key.pem`, '-out'];
    const secret = ['-passout', `pass:${PASSPHRASE}`];
    this.openssl('pkcs8', '-topk8', ...key, `${name}-key-pkcs8.pem`, '-v2', 'aes256', ...secret);
    if (OLD_FORMAT[kind]) {
      this.openssl(...OLD_FORMAT[kind], ...key, `${name}-key-old.pem`);
      this.openssl(...OLD_FORMAT[kind], ...key, `${name}-key-legacy.pem`, '-aes128', ...secret);
    }
    const both = ['pkcs12', '-export', '-in', `${name}.pem`, '-inkey', `${name}-key.pem`, '-certfile', 'ca.pem'];
    this.openssl(...both, '-out', `${name}.pfx`, ...secret);
    this.openssl(...both, '-out', `${name}-open.pfx`, '-passout', 'pass:');
    const old = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];
    this.openssl(...both, ...old, '-out', `${name}-old.pfx`, ...secret);
  }

  file(name) {
    return path.join(this.path, name);
  }

  read(name) {
    return fs.readFileSync(this.file(name));
  }

  remove() {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}

const makeAuthority = (name) => new Authority(name);

/**
 * Makes, as `<name>.pem` and `<name>-key.pem`: ca; namesake (an authority of the same name); server, server-rsa, server-p384, server-p521, server-ed25519 (for
 * localhost and 127.0.0.1); elsewhere (for another name); expired; alone (signed by itself); version1 (of X.509) and unnamed
 * (of version 3), for localhost by their common names alone; short (an RSA key of 1,024 bits); short-ca and expired-ca, and
 * below-short and below-expired, which these sign; client, client-rsa and so on. A client's key is also there as -key-old.pem (PKCS#1 or SEC1), with PASSPHRASE as -key-pkcs8.pem and
 * -key-legacy.pem, and with its certificate as .pfx, -old.pfx (as OpenSSL 1 wrote it) and -open.pfx (no passphrase).
 */
function makeCertificates() {
  const authority = makeAuthority('Test authority');
  authority.selfSigned('namesake', AUTHORITY, 'Test authority');
  for (const kind of Object.keys(KINDS)) {
    const suffix = kind === 'p256' ? '' : `-${kind}`;
    authority.issue(`server${suffix}`, HOSTS, { key: KINDS[kind] });
    authority.issueClient(`client${suffix}`, kind);
  }
  authority.issue('elsewhere', 'subjectAltName=DNS:elsewhere.example');
  authority.issue('expired', HOSTS, { days: '-1' });
  authority.selfSigned('alone', HOSTS);
  authority.issue('version1', '', { subject: 'localhost' });
  authority.issue('unnamed', 'basicConstraints=CA:FALSE', { subject: 'localhost' });
  authority.issue('short', HOSTS, { key: SHORT });
  authority.issue('short-ca', AUTHORITY, { key: SHORT, by: 'short-ca' });
  authority.issue('below-short', HOSTS, { by: 'short-ca' });
  authority.issue('expired-ca', AUTHORITY, { days: '-1', by: 'expired-ca' });
  authority.issue('below-expired', HOSTS, { by: 'expired-ca' });
  return authority;
}

module.exports = { KINDS: Object.keys(KINDS), PASSPHRASE, makeAuthority, makeCertificates };
