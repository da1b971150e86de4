'use strict';

const { readFileSync } = require('node:fs');

/** A certificate in PEM, or what is left of one that was cut. */
const CERTIFICATE = /-----BEGIN [^-]*CERTIFICATE-----[^-]*(-----END [^-]*-----)?/g;

let roots;

/** The certificates that Node trusts by default, as Buffers. Read when the first https client asks. */
function trustedRoots() {
  roots ??= readRoots().map((pem) => Buffer.from(pem));
  return roots;
}

function readRoots() {
  // Loaded only now: it takes longer than all the rest of this package.
  const tls = require('node:tls');
  // Node >= 22.15 tells what it trusts, with every flag and variable taken into account.
  if (tls.getCACertificates) return tls.getCACertificates('default');
  return [...tls.rootCertificates, ...extraRoots()];
}

/** As Node does it: a file that cannot be read is a warning, and what stands before the first bad certificate counts. */
function extraRoots() {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  if (!file) return [];
  const { X509Certificate } = require('node:crypto');
  const good = [];
  try {
    for (const [pem] of readFileSync(file, 'latin1').matchAll(CERTIFICATE)) {
      new X509Certificate(pem);
      good.push(pem);
    }
    if (good.length === 0) throw new Error('it holds no certificate');
  } catch (error) {
    process.emitWarning(`Ignoring extra certs from \`${file}\`: ${error.message}`);
  }
  return good;
}

module.exports = { trustedRoots };
