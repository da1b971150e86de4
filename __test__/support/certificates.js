'use strict';

// Certificates for tests, made by openssl: a certificate authority, servers of all kinds, and a client.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const PASSPHRASE = 'open sesame';
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const HOSTS = 'subjectAltName=DNS:localhost,IP:127.0.0.1';

class Folder {
  constructor() {
    this.path = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-certificates-'));
  }

  openssl(...args) {
    execFileSync('openssl', args, { cwd: this.path, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** A certificate that signs itself. */
  selfSigned(name, extension, ...more) {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.pem`];
    this.openssl('req', '-x509', ...EC, '-nodes', ...files, '-subj', `/CN=${name}`, '-addext', extension, ...more);
  }

  /** A certificate that the authority signs. */
  signed(name, extension, { key = EC, days = '2' } = {}) {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.csr`];
    this.openssl('req', ...key, '-nodes', ...files, '-subj', `/CN=${name}`);
    fs.writeFileSync(path.join(this.path, `${name}.ext`), `${extension}\n`);
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', `${name}.ext`];
    this.openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-days', days, '-out', `${name}.pem`);
  }
}

/**
 * Makes, as `<name>.pem` and `<name>-key.pem`: ca; server, server-rsa, server-p384, server-p521 (for localhost and
 * 127.0.0.1); elsewhere (for another name); expired; alone (signed by itself); client; and the client's key as
 * client-key-pkcs8.pem and client-key-legacy.pem with PASSPHRASE, client.pfx and client-open.pfx (without one).
 */
function makeCertificates() {
  const folder = new Folder();
  folder.selfSigned('ca', 'basicConstraints=critical,CA:TRUE', '-days', '2');
  folder.signed('server', HOSTS);
  folder.signed('server-rsa', HOSTS, { key: ['-newkey', 'rsa:2048'] });
  for (const curve of ['P-384', 'P-521']) {
    const name = `server-${curve.toLowerCase().replace('-', '')}`;
    folder.signed(name, HOSTS, { key: ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`] });
  }
  folder.signed('elsewhere', 'subjectAltName=DNS:elsewhere.example');
  folder.signed('expired', HOSTS, { days: '-1' });
  folder.selfSigned('alone', HOSTS, '-days', '2');
  folder.signed('client', 'extendedKeyUsage=clientAuth');
  const secret = ['-passout', `pass:${PASSPHRASE}`];
  folder.openssl(
    'pkcs8',
    '-topk8',
    '-in',
    'client-key.pem',
    '-out',
    'client-key-pkcs8.pem',
    '-v2',
    'aes256',
    ...secret,
  );
  folder.openssl('ec', '-in', 'client-key.pem', '-out', 'client-key-legacy.pem', '-aes128', ...secret);
  const both = ['pkcs12', '-export', '-in', 'client.pem', '-inkey', 'client-key.pem', '-certfile', 'ca.pem'];
  folder.openssl(...both, '-out', 'client.pfx', ...secret);
  folder.openssl(...both, '-out', 'client-open.pfx', '-passout', 'pass:');
  return {
    path: folder.path,
    read: (file) => fs.readFileSync(path.join(folder.path, file)),
    remove: () => fs.rmSync(folder.path, { recursive: true, force: true }),
  };
}

module.exports = { PASSPHRASE, makeCertificates };
